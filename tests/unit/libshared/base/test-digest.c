/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digest.h"

#include "test.h"

static void test_spellings(void)
{
    static const struct {
        const char *spelling, *name;
    } table[] = {
        { "sha224", "sha224" },     { "SHA224", "sha224" },     { "sha256", "sha256" },
        { "SHA-256", "sha256" },    { "sha2-256", "sha256" },   { "SHA2_256", "sha256" },
        { "sha384", "sha384" },     { "sha512", "sha512" },     { "sha2-512", "sha512" },
        { "sha3-224", "sha3-224" }, { "sha3_256", "sha3-256" }, { "SHA3-384", "sha3-384" },
        { "sha3-512", "sha3-512" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const Digest *digest = digest_find(table[i].spelling, strlen(table[i].spelling));

        ASSERT_TRUE(digest);
        ASSERT_STREQ(digest->name, table[i].name);
    }
    ASSERT_STREQ(digest_find("sha256, hash=", 6)->name, "sha256");
}

static void test_unknown(void)
{
    static const char *const unknown[] = {
        "",           "sha",
        "sha1",       "md5",
        "sha512/256", "sha512-256",
        "sha25",      "sha2560",
        " sha256",    "sha3",
        "whirlpool",  "sha256 ",
        "sha3256x",   "sha256sha256sha256sha256sha256",
    };

    for (size_t i = 0; i < ELEMENTSOF(unknown); i++)
        ASSERT_TRUE(!digest_find(unknown[i], strlen(unknown[i])));

    ASSERT_TRUE(digest_is_broken("md5", 3));
    ASSERT_TRUE(digest_is_broken("MD5", 3));
    ASSERT_TRUE(digest_is_broken("SHA-1", 5));
    ASSERT_TRUE(digest_is_broken("sha1", 4));
    ASSERT_FALSE(digest_is_broken("sha256", 6));
    ASSERT_FALSE(digest_is_broken("whirlpool", 9));
    ASSERT_FALSE(digest_is_broken("", 0));
}

int main(void)
{
    test_spellings();
    test_unknown();
    return 0;
}
