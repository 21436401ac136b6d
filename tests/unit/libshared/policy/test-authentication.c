/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/authentication.h"
#include "test.h"

/* RFC 4231 §4.3: key and data of test case 2, and its HMAC-SHA-256. */
#define KEY        "Jefe"
#define DATA       "what do ya want for nothing?"
#define HASH       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
#define UPPER_HASH "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843"

static void test_accepted(void)
{
    static const char *const accepted[] = {
        "hmac name=sha256, hash=" HASH,
        "hmac name=sha256,hash=" HASH,
        "hmac name=sha256 hash=" HASH,
        "hmac hash=" HASH ", name=sha256",
        "  HMAC \t NAME=SHA256,  Hash=" UPPER_HASH "  ",
        "hmac name=sha2-256, hash=" HASH,
        "hmac name=SHA-256, hash=" HASH,
    };

    for (size_t i = 0; i < ELEMENTSOF(accepted); i++) {
        Authentication authentication;

        ASSERT_OK(authentication_parse(accepted[i], &authentication));
        ASSERT_STREQ(authentication.digest->name, "sha256");
        ASSERT_FALSE(authentication.has_time);
        ASSERT_TRUE(authentication_verify(&authentication, KEY, DATA, strlen(DATA)));
        ASSERT_FALSE(authentication_verify(&authentication, KEY, DATA, strlen(DATA) - 1));
        ASSERT_FALSE(authentication_verify(&authentication, "Jef", DATA, strlen(DATA)));
        authentication.hash[31] ^= 1;
        ASSERT_FALSE(authentication_verify(&authentication, KEY, DATA, strlen(DATA)));
    }
}

/* python3 -c "import hmac; print(hmac.new(b'Jefe', b'1790000000\\nwhat do ya want for nothing?',
 * 'sha256').hexdigest())" */
#define TIMED_HASH "37ed07d4826442ca58af999a8ba6fdf27a430f0f46467ac2f28dcf07b8356b58"

static void test_time(void)
{
    static const char *const accepted[] = {
        "hmac name=sha256, time=1790000000, hash=" TIMED_HASH,
        "hmac hash=" TIMED_HASH " TIME=1790000000 name=SHA-256",
    };

    for (size_t i = 0; i < ELEMENTSOF(accepted); i++) {
        Authentication authentication;

        ASSERT_OK(authentication_parse(accepted[i], &authentication));
        ASSERT_TRUE(authentication.has_time);
        ASSERT_EQ(authentication.time, 1790000000);
        ASSERT_TRUE(authentication_verify(&authentication, KEY, DATA, strlen(DATA)));
        authentication.time++;
        ASSERT_FALSE(authentication_verify(&authentication, KEY, DATA, strlen(DATA)));
        authentication.has_time = false;
        ASSERT_FALSE(authentication_verify(&authentication, KEY, DATA, strlen(DATA)));
    }
}

static void test_refused(void)
{
    static const char *const refused[] = {
        "",
        "hmac",
        "hmac ",
        "hmac name=sha256",
        "hmac hash=" HASH,
        "hmac name=sha256, hash=",
        "hmac name=, hash=" HASH,
        "hmacname=sha256, hash=" HASH,
        "hmac,name=sha256, hash=" HASH,
        "Basic name=sha256, hash=" HASH,
        "hmac name=sha256, hash=" HASH ", hash=" HASH,
        "hmac name=sha256, name=sha256, hash=" HASH,
        "hmac name=sha256, hash=" HASH ", other=1",
        "hmac name=sha256, hash=" HASH ", word",
        "hmac name=sha256, hash=" HASH "00",
        "hmac name=sha384, hash=" HASH,
        "hmac name=sha256, hash=xbdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "hmac name=sha256; hash=" HASH,
        "hmac name = sha256, hash=" HASH,
        "hmac name=sha256, time=, hash=" HASH,
        "hmac name=sha256, time=-1, hash=" HASH,
        "hmac name=sha256, time=+1, hash=" HASH,
        "hmac name=sha256, time=01, hash=" HASH,
        "hmac name=sha256, time=1.5, hash=" HASH,
        "hmac name=sha256, time=1x, hash=" HASH,
        "hmac name=sha256, time=1, time=1, hash=" HASH,
        "hmac name=sha256, time=1000000000000, hash=" HASH,
        "hmac name=sha256, time=99999999999999999999999, hash=" HASH,
    };

    for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
        Authentication authentication;

        if (authentication_parse(refused[i], &authentication) != -EINVAL) {
            fprintf(stderr, "accepted: %s\n", refused[i]);
            exit(EXIT_FAILURE);
        }
    }
}

static void test_unknown_digest(void)
{
    static const char *const names[] = { "sha1", "md5", "sha2-257", "x" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        Authentication authentication;
        char value[256];

        (void)snprintf(value, sizeof(value), "hmac name=%s, hash=" HASH, names[i]);
        ASSERT_EQ(authentication_parse(value, &authentication), -EOPNOTSUPP);
    }
}

static void test_all_sizes(void)
{
    Authentication authentication;
    char value[256];

    memset(value, 0, sizeof(value));
    memcpy(value, "hmac name=sha3-512 hash=", 24);
    memset(value + 24, 'a', 128);
    ASSERT_OK(authentication_parse(value, &authentication));
    ASSERT_EQ(authentication.digest->size, 64);
    ASSERT_EQ(authentication.hash[63], 0xaa);
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
        struct iovec part = { .iov_base = (void *)data, .iov_len = strlen(data) };
        _cleanup_free_ char *formatted = NULL, *expected = NULL;
        uint8_t out[DIGEST_SIZE_MAX];
        char hex[2 * DIGEST_SIZE_MAX + 1];

        ASSERT_OK(authentication_hmac(digest, "Jefe", &part, 1, out));
        for (size_t j = 0; j < digest->size; j++)
            snprintf(hex + 2 * j, 3, "%02x", out[j]);
        ASSERT_STREQ(hex, table[i].hmac);
        ASSERT_OK(authentication_format(digest, "Jefe", data, strlen(data), &formatted));
        ASSERT_TRUE(asprintf(&expected, "hmac name=%s, hash=%s", table[i].name, hex) > 0);
        ASSERT_STREQ(formatted, expected);
    }
}

static void test_every_digest(void)
{
    static const char *const names[] = { "sha224",   "sha256",   "sha384",   "sha512",
                                         "sha3-224", "sha3-256", "sha3-384", "sha3-512" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        uint8_t out[DIGEST_SIZE_MAX];

        ASSERT_OK(
            authentication_hmac(digest_find(names[i], strlen(names[i])), "key", NULL, 0, out));
    }
}

int main(void)
{
    test_accepted();
    test_time();
    test_refused();
    test_unknown_digest();
    test_all_sizes();
    test_hmac();
    test_every_digest();
    return 0;
}
