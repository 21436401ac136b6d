/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the service manager hands over in place of files: "CREDENTIALS" in systemd.exec(5). */

#include <limits.h>
#include <stddef.h>

/* The directory of the credentials where one of this name is among them, else NULL. Borrowed. */
const char *credential_directory(const char *name);

/* The path of a credential into @buf; where there is none of this name, @otherwise. */
const char *credential_path(const char *name, const char *otherwise, char buf[PATH_MAX]);
