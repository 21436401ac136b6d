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

/* RFC 4231 §4.3 (test case 2), and the same key and data with SHA-3. */
static void test_hmac(void)
{
    static const struct {
        const char *name, *hmac;
    } table[] = {
        { "sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44" },
        { "sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
        { "sha384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
                    "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649" },
        { "sha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737" },
        { "sha3-256", "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const Digest *digest = digest_find(table[i].name, strlen(table[i].name));
        const char data[] = "what do ya want for nothing?";
        uint8_t out[DIGEST_SIZE_MAX];
        char hex[2 * DIGEST_SIZE_MAX + 1];

        ASSERT_OK(digest_hmac(digest, "Jefe", 4, data, strlen(data), out));
        for (size_t j = 0; j < digest->size; j++)
            snprintf(hex + 2 * j, 3, "%02x", out[j]);
        ASSERT_STREQ(hex, table[i].hmac);
    }
}

static void test_every_digest(void)
{
    static const char *const names[] = { "sha224",   "sha256",   "sha384",   "sha512",
                                         "sha3-224", "sha3-256", "sha3-384", "sha3-512" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        uint8_t out[DIGEST_SIZE_MAX];

        ASSERT_OK(digest_hmac(digest_find(names[i], strlen(names[i])), "key", 3, NULL, 0, out));
    }
}

int main(void)
{
    test_spellings();
    test_unknown();
    test_hmac();
    test_every_digest();
    return 0;
}
