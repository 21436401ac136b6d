/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl.h"

#include <stdio.h>

#include "strings/text.h"

int ctl_usage(const char *what, const char *word)
{
    text_print_line(stderr, "acmemsctl: %s%s", what, word);
    (void)fputs("Try 'acmemsctl --help'.\n", stderr);
    return CTL_USAGE;
}
