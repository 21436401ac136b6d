/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"
#include "test.h"

int main(void)
{
    char buf[STATUS_SIZE];

    ASSERT_STREQ(status_describe(0, &(InventoryCount){ 0 }, buf),
                 "0 orders in progress; 0 certificates");
    ASSERT_STREQ(
        status_describe(1, &(InventoryCount){ .certificates = 1, .next_renewal = 86400 }, buf),
        "1 order in progress; 1 certificate; next renewal 1970-01-02 00:00 UTC");
    ASSERT_STREQ(status_describe(2, &(InventoryCount){ .is_first = true, .certificates = 7 }, buf),
                 "2 orders in progress; counting certificates");
    ASSERT_STREQ(status_describe(3, &(InventoryCount){ false, 1204, 1000, 1796011200 }, buf),
                 "3 orders in progress; 1,204 certificates, 1,000 of them due; "
                 "next renewal 2026-11-30 04:00 UTC");
    ASSERT_STREQ(status_describe(999, &(InventoryCount){ false, 1234567, 1234567, 0 }, buf),
                 "999 orders in progress; 1,234,567 certificates, 1,234,567 of them due");
    return EXIT_SUCCESS;
}
