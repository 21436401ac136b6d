/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl.h"

#include <stdio.h>

int ctl_usage(const char *what, const char *word)
{
    fprintf(stderr, "acmemsctl: %s%s\nTry 'acmemsctl --help'.\n", what, word);
    return CTL_USAGE;
}
