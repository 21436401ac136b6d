/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What acme-register is doing: "Register ... done". What went wrong goes to stderr. */

void progress_begin(const char *what); /* the first half; the second is one of those below */
void progress_done(void);

/* Both return @r, a negative errno. The second: "@what in @directory: reason". */
int progress_failed(int r, const char *why);
int progress_failed_errno(int r, const char *what, const char *directory);
