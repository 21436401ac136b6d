/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Credentials that the service manager passes to a service: "CREDENTIALS" in systemd.exec(5). */

#include <limits.h>
#include <stddef.h>

/* The credentials directory if it contains a credential of this name, else NULL. Borrowed. */
const char *credential_directory(const char *name);

/* The path of a credential, in @buf; @otherwise if there is none of this name. */
const char *credential_path(const char *name, const char *otherwise, char buf[PATH_MAX]);
