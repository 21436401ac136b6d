/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/key.h"

#include "test.h"

static void test_key(void)
{
    char key[STORAGE_KEY_SIZE];

    /* FIPS 180-4, "abc" */
    ASSERT_OK(storage_key("abc", 3, key));
    ASSERT_STREQ(key, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                      "8086072ba1e7cc2358baeca134c825a7");
    ASSERT_OK(storage_key("", 0, key));
    ASSERT_EQ(strncmp(key, "38b060a751ac9638", 16), 0);
    ASSERT_EQ(storage_key_dice(key), 0x38b060a7);
    ASSERT_TRUE(storage_is_key(key));
    key[0] = '/';
    ASSERT_FALSE(storage_is_key(key));
    key[0] = 'A';
    ASSERT_FALSE(storage_is_key(key));
    ASSERT_FALSE(storage_is_key(key + 1));
}

int main(void)
{
    test_key();
    return 0;
}
