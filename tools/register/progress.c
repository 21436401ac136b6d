/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/progress.h"

#include <stdio.h>

#include "base/macro.h"
#include "statedir/account/account-dir.h"
#include "strings/text.h"

void progress_begin(const char *what)
{
    text_print(stdout, "%s ...", what);
    (void)fflush(stdout);
}

void progress_done(void)
{
    puts(" done");
}

void progress_wait(const char *what)
{
    text_print_line(stdout, " %s", what);
}

static void end_failed(void)
{
    puts(" failed");
    (void)fflush(stdout);
}

int progress_failed(int r, const char *why)
{
    end_failed();
    text_print_line(stderr, "acme-register: %s", why);
    return r;
}

int progress_failed_errno(int r, const char *what, const char *directory)
{
    end_failed();
    text_print_line(stderr, "acme-register: %s in %s: %s", what, directory, strerror(-r));
    return r;
}

int progress_failed_file(int r, const char *directory, const char *name, const char *why)
{
    _cleanup_free_ char *file = account_file_describe(directory, name);

    end_failed();
    text_print_line(stderr, "acme-register: cannot use %s: %s", str_or(file, name), why);
    return r;
}

int progress_failed_without_account(const char *elsewhere, const char *server, const char *command)
{
    _cleanup_free_ char *why = NULL;
    int n = elsewhere ? asprintf(&why,
                                 "the account is %s, and acme-server is now %s; register the key "
                                 "there with '%s'",
                                 elsewhere, server, str_or(command, "acme-register --register"))
                      : asprintf(&why, "the key is not registered yet; register it with '%s'",
                                 str_or(command, "acme-register --register"));

    if (n < 0)
        why = NULL;
    return progress_failed(-ENOENT, str_or(why, "out of memory"));
}
