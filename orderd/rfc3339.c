/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rfc3339.h"

#include "macro.h"
#include "number.h"

/* "Z" or "+01:00": seconds east of UTC; -EINVAL. */
static int parse_offset(const char *text, long *ret)
{
    uint64_t hours, minutes;

    if (streq(text, "Z") || streq(text, "z")) {
        *ret = 0;
        return 0;
    }
    if (strlen(text) != STRLEN("+01:00") || !strchr("+-", text[0]) || text[3] != ':' ||
        number_parse(text + 1, 2, 23, &hours) < 0 || number_parse(text + 4, 2, 59, &minutes) < 0)
        return -EINVAL;
    *ret = (long)(hours * 3600 + minutes * 60);
    if (text[0] == '-')
        *ret = -*ret;
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
