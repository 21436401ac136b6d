/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/email.h"

#include <stdio.h>

#include "base/macro.h"

int email_to_url(const char *address, char **ret)
{
    const char *at = strchr(address, '@');
    char *url;

    if (!at || at == address || !at[1] || strpbrk(address, " \t,?&<>\""))
        return -EINVAL;
    if (asprintf(&url, "mailto:%s", address) < 0)
        return -ENOMEM;
    *ret = url;
    return 0;
}
