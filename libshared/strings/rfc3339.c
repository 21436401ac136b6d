/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/rfc3339.h"

#include "base/macro.h"

time_t rfc3339_parse(const char *text)
{
    struct tm tm = { 0 };
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    long offset;

    if (!end)
        return 0;
    if (*end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    end = strptime(end, "%z", &tm);
    if (!end || *end)
        return 0;
    offset = tm.tm_gmtoff; /* timegm() clears it */
    if (labs(offset) >= 24L * 3600)
        return 0;
    return timegm(&tm) - offset;
}

const char *rfc3339_format(time_t time, char buf[RFC3339_SIZE])
{
    struct tm tm;

    return gmtime_r(&time, &tm) && strftime(buf, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0
               ? buf
               : NULL;
}
