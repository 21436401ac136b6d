/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/encode.h"
#include "test.h"

static void test_hex(void)
{
    uint8_t out[3];
    char text[7];

    hex_encode("\x00\xab\xff", 3, text);
    ASSERT_STREQ(text, "00abff");
    hex_encode(NULL, 0, text);
    ASSERT_STREQ(text, "");

    ASSERT_EQ(hex_decode("00aBFf", 6, out, 3), 3);
    ASSERT_TRUE(memcmp(out, "\x00\xab\xff", 3) == 0);
    ASSERT_EQ(hex_decode("", 0, out, 3), 0);
    ASSERT_EQ(hex_decode("0", 1, out, 3), -EINVAL);
    ASSERT_EQ(hex_decode("0g", 2, out, 3), -EINVAL);
    ASSERT_EQ(hex_decode(" 0", 2, out, 3), -EINVAL);
    ASSERT_EQ(hex_decode("00112233", 8, out, 3), -EINVAL);
}

/* RFC 4648 §10 */
static const struct {
    const char *plain, *base64, *base64url;
} vectors[] = {
    { "", "", "" },
    { "f", "Zg==", "Zg" },
    { "fo", "Zm8=", "Zm8" },
    { "foo", "Zm9v", "Zm9v" },
    { "foob", "Zm9vYg==", "Zm9vYg" },
    { "fooba", "Zm9vYmE=", "Zm9vYmE" },
    { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
    { "\xfb\xff\xbf", "+/+/", "-_-_" },
};

static void test_base64(void)
{
    for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
        size_t length = strlen(vectors[i].plain), size = 99;
        _cleanup_free_ char *a = base64_encode(vectors[i].plain, length);
        _cleanup_free_ char *b = base64url_encode(vectors[i].plain, length);
        _cleanup_free_ uint8_t *back = NULL;

        ASSERT_STREQ(a, vectors[i].base64);
        ASSERT_STREQ(b, vectors[i].base64url);
        ASSERT_OK(base64_decode(a, strlen(a), &back, &size));
        ASSERT_EQ(size, length);
        ASSERT_STREQ((char *)back, vectors[i].plain);
    }
}

static void test_base64_refused(void)
{
    static const char *const wrong[] = {
        "Z",    "Zg",    "Zg=",      "Zh==",     "Zm9=",    "====",
        "Z===", "Zg==X", "Zg==Zg==", "Zm9v\nYg", "Zm 9vYg", "-_-_"
    };

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        uint8_t *back = NULL;
        size_t size;

        ASSERT_EQ(base64_decode(wrong[i], strlen(wrong[i]), &back, &size), -EINVAL);
        ASSERT_TRUE(!back);
    }
}

/* RFC 4648 §10 */
static void test_base32(void)
{
    char out[BASE32_LENGTH(10) + 1];

    base32_encode("", 0, out);
    ASSERT_STREQ(out, "");
    base32_encode("fooba", 5, out);
    ASSERT_STREQ(out, "mzxw6ytb");
    base32_encode("\x00\xff\x00\xff\x00"
                  "fooba",
                  10, out);
    ASSERT_STREQ(out, "ad7qb7yamzxw6ytb");
}

static void test_base64_any(void)
{
    static const char *const wrong[] = {
        "Z", "Zg=", "Zh", "Zm9vYg=", "====", "Zg==Zg==", "Zm9v\n"
    };

    for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
        const char *const forms[] = { vectors[i].base64, vectors[i].base64url };

        for (size_t j = 0; j < ELEMENTSOF(forms); j++) {
            _cleanup_free_ uint8_t *back = NULL;
            size_t size;

            ASSERT_OK(base64_decode_any(forms[j], strlen(forms[j]), &back, &size));
            ASSERT_EQ(size, strlen(vectors[i].plain));
            ASSERT_STREQ((char *)back, vectors[i].plain);
        }
    }
    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        uint8_t *back = NULL;
        size_t size;

        ASSERT_EQ(base64_decode_any(wrong[i], strlen(wrong[i]), &back, &size), -EINVAL);
        ASSERT_TRUE(!back);
    }
}

int main(void)
{
    test_hex();
    test_base32();
    test_base64();
    test_base64_refused();
    test_base64_any();
    return 0;
}
