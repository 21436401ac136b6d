/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

/* What the commands of acmemsctl share. Each command has a file of its own. */

/* Exit codes: success; failure, or something is wrong; usage error. */
enum { CTL_GOOD = 0, CTL_BAD = 1, CTL_USAGE = 2 };

typedef struct CtlOptions {
    const char *config; /* NULL: not given; the same for the others */
    const char *reason;
    const char *account;
    bool all;
} CtlOptions;

/* Print "@what@word" to standard error as a fault of the command line. Returns CTL_USAGE. */
int ctl_usage(const char *what, const char *word);

/* Act as the owner of @path, see owner_become(). False: the reason was printed. */
bool ctl_become_owner(const char *path);

/* The commands. @arguments: what follows the command, NULL-terminated. Each returns an exit code.
 */
int ctl_check(char *const *arguments, const CtlOptions *options);
int ctl_pauses(char *const *arguments, const CtlOptions *options);
int ctl_clear(char *const *arguments, const CtlOptions *options);
int ctl_revoke(char *const *arguments, const CtlOptions *options);
