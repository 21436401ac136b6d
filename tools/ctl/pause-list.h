/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What acmems-orderd does not ask the CA for now, listed and cleared: it looks at the files itself,
 * and is not spoken to. */

#include "config/config.h"

/* Prints one line each. 0 or -errno. */
int pauses_list(const Config *config);

/* Ends those that hold this name up, as itself, by its domain or in a set of names; NULL: all.
 * Their number or -errno. */
int pauses_clear(const Config *config, const char *name);
