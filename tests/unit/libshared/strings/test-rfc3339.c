/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/rfc3339.h"
#include "test.h"

int main(void)
{
    static const struct {
        const char *text;
        time_t expected;
    } table[] = {
        { "1970-01-01T00:00:01Z", 1 },
        { "2026-12-01T04:00:00Z", 1796097600 },
        { "2026-12-01T04:00:00.123456789Z", 1796097600 },
        { "2026-12-01T05:30:00+01:30", 1796097600 },
        { "2026-11-30T23:00:00-05:00", 1796097600 },
        { "2026-12-01t04:00:00z", 1796097600 },
        { "2026-12-01T04:00:00.1+00:00", 1796097600 },
        { "0001-01-01T00:00:00Z", 0 },
        { "2026-12-01T04:00:00", 0 },
        { "2026-12-01 04:00:00Z", 0 },
        { "2026-12-01T04:00:00Zjunk", 0 },
        { "2026-12-01T04:00:00+1", 0 },
        { "2026-12-01T04:00:00+99:00", 0 },
        { "2026-13-01T04:00:00Z", 0 },
        { "", 0 },
        { NULL, 0 },
    };
    char buf[RFC3339_SIZE];

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        ASSERT_EQ(rfc3339_parse(table[i].text), table[i].expected);
    ASSERT_STREQ(rfc3339_format(1796097600, buf), "2026-12-01T04:00:00Z");
    ASSERT_FALSE(rfc3339_format(INT64_MAX, buf));
    return EXIT_SUCCESS;
}
