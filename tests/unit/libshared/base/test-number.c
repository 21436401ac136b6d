/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/number.h"

#include "test.h"

int main(void)
{
    static const struct {
        const char *text;
        uint64_t max;
        int result;
        uint64_t value;
    } table[] = {
        { "0", 0, 0, 0 },
        { "0", 9, 0, 0 },
        { "1", 0, -ERANGE, 0 },
        { "9", 9, 0, 9 },
        { "10", 9, -ERANGE, 0 },
        { "65535", 65535, 0, 65535 },
        { "65536", 65535, -ERANGE, 0 },
        { "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
        { "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
        { "99999999999999999999999", UINT64_MAX, -ERANGE, 0 },
        { "99999999999999999999999x", UINT64_MAX, -EINVAL, 0 },
        { "", 9, -EINVAL, 0 },
        { "01", 9, -EINVAL, 0 },
        { "+1", 9, -EINVAL, 0 },
        { "-1", 9, -EINVAL, 0 },
        { " 1", 9, -EINVAL, 0 },
        { "1 ", 9, -EINVAL, 0 },
        { "0x1", 99, -EINVAL, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        uint64_t value = 0;

        ASSERT_EQ(number_parse(table[i].text, strlen(table[i].text), table[i].max, &value),
                  table[i].result);
        ASSERT_TRUE(value == table[i].value);
    }
    return 0;
}
