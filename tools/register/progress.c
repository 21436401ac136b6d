/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/progress.h"

#include <stdio.h>

#include "base/macro.h"
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
