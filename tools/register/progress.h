/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The progress of acme-register on standard output: "Register ... done". Errors go to standard
 * error. */

void progress_begin(
    const char *what); /* the first half; one of the functions below ends the line */
void progress_done(void);

/* Ends a step that waits for the user. @what: "not yet", for example. */
void progress_wait(const char *what);

/* End the line with "failed" and print the reason; the second as "@what in @directory: error", the
 * third as "cannot use FILE: @why", see account_file_describe(). All return @r, a negative errno.
 */
int progress_failed(int r, const char *why);
int progress_failed_errno(int r, const char *what, const char *directory);
int progress_failed_file(int r, const char *directory, const char *name, const char *why);

/* The same for a step that needs an account. @elsewhere: URL of the account that there is at
 * another CA than @server, or NULL. @command: registers one; NULL: out of memory. Returns -ENOENT.
 */
int progress_failed_without_account(const char *elsewhere, const char *server, const char *command);
