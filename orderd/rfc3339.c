/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfc3339.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Seconds east of UTC; -1 for what is no offset. */
static int parse_offset(const char *text, long *ret)
{
    unsigned hours, minutes;
    char sign, end;

    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) {
        *ret = 0;
        return 0;
    }
    if (sscanf(text, "%c%2u:%2u%c", &sign, &hours, &minutes, &end) != 3 || hours > 23 ||
        minutes > 59 || (sign != '+' && sign != '-'))
        return -1;
    *ret = (sign == '+' ? 1 : -1) * (long)(hours * 3600 + minutes * 60);
    return 0;
}

time_t rfc3339_parse(const char *text)
{
    struct tm tm = { 0 };
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    long offset;

    if (!end)
        return 0;
    if (*end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    return parse_offset(end, &offset) < 0 ? 0 : timegm(&tm) - offset;
}
