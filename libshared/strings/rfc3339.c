/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/rfc3339.h"

#include <ctype.h>

#include "base/macro.h"

#define TEXT_MAX 64U

/* The letters may be lower-case (RFC 3339 §5.6), which strptime() does not accept. */
static const char *to_upper(const char *text, char buf[TEXT_MAX])
{
    size_t n = strlen(text);

    if (n >= TEXT_MAX)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        buf[i] = (char)toupper((unsigned char)text[i]);
    return buf;
}

time_t rfc3339_parse(const char *text)
{
    char buf[TEXT_MAX];
    struct tm tm = { 0 };
    const char *upper = text ? to_upper(text, buf) : NULL;
    const char *end = upper ? strptime(upper, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    time_t time;
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
    time = timegm(&tm) - offset;
    return time > 0 ? time : 0; /* the year 1 stands for "not said" */
}

const char *rfc3339_format(time_t time, char buf[RFC3339_SIZE])
{
    struct tm tm;

    return gmtime_r(&time, &tm) && strftime(buf, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0
               ? buf
               : NULL;
}
