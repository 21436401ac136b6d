/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/number.h"

#include <errno.h>

int number_parse(const char *text, size_t length, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    int r = 0;

    if (length == 0 || (length > 1 && text[0] == '0'))
        return -EINVAL;
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(text[i] - '0');

        if (text[i] < '0' || text[i] > '9')
            return -EINVAL;
        if (digit > max || value > (max - digit) / 10)
            r = -ERANGE;
        else
            value = value * 10 + digit;
    }
    if (r < 0)
        return r;
    *ret = value;
    return 0;
}
