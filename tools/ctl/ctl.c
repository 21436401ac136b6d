/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/ctl.h"

#include <stdio.h>

#include "base/macro.h"
#include "statedir/files/owner.h"
#include "strings/strv.h"
#include "strings/text.h"

int ctl_usage(const char *what, const char *word)
{
    text_print_line(stderr, "acmemsctl: %s%s", what, word);
    (void)fputs("Try 'acmemsctl --help'.\n", stderr);
    return CTL_USAGE;
}

bool ctl_become_owner(const char *path)
{
    _cleanup_free_ char *doing = NULL;
    int r = owner_become(path, &doing);

    if (r < 0)
        text_print_line(stderr, "acmemsctl: cannot %s: %s", str_or(doing, "become the owner"),
                        strerror(-r));
    return r >= 0;
}
