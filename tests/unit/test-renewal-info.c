/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewal-info.h"

#include "make-x509.h"
#include "test.h"

/* The numbers of the example in RFC 9773 §4.1. */
static const uint8_t authority[] = { 0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3,
                                     0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4 };
#define SERIAL     0x87654321U
#define IDENTIFIER "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"

static void add_authority(X509 *certificate)
{
    AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();

    id->keyid = ASN1_OCTET_STRING_new();
    ASSERT_EQ(ASN1_OCTET_STRING_set(id->keyid, authority, sizeof(authority)), 1);
    ASSERT_EQ(X509_add1_ext_i2d(certificate, NID_authority_key_identifier, id, 0, 0), 1);
    AUTHORITY_KEYID_free(id);
}

static Chain *make_chain(uint64_t serial, bool has_authority)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = make_certificate(key, "DNS:a.example", 0, 100), *signed_pem = NULL;
    const char *reason;
    Chain *chain;
    X509 *leaf;

    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &reason));
    leaf = chain_leaf(chain);
    ASSERT_EQ(ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf), serial), 1);
    if (has_authority)
        add_authority(leaf);
    ASSERT_TRUE(X509_sign(leaf, key, EVP_sha256()) > 0);
    signed_pem = make_pem(make_write_certificate, leaf);
    chain_free(chain);
    ASSERT_OK(chain_parse(signed_pem, strlen(signed_pem), &chain, &reason));
    return chain;
}

static void test_identifier(void)
{
    static const struct {
        uint64_t serial;
        bool has_authority;
        const char *expected;
    } table[] = {
        { SERIAL, true, IDENTIFIER },
        { 0x7f, true, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.fw" },
        { SERIAL, false, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_(chain_freep) Chain *chain = make_chain(table[i].serial, table[i].has_authority);
        _cleanup_free_ char *identifier = renewal_info_identifier(chain);

        if (table[i].expected)
            ASSERT_STREQ(identifier, table[i].expected);
        else
            ASSERT_TRUE(!identifier);
    }
}

#define START              "2026-12-01T04:00:00Z" /* 1796097600 */
#define END                "2026-12-02T04:00:00.5Z"
#define WINDOW(start, end) "{\"suggestedWindow\": {\"start\": \"" start "\", \"end\": \"" end "\"}"

static void test_parse(void)
{
    static const struct {
        const char *text;
        const char *explanation;
    } table[] = {
        { WINDOW(START, END) "}", NULL },
        { WINDOW(START, END) ", \"explanationURL\": \"https://ca.example/why\"}",
          "https://ca.example/why" },
        { WINDOW(START, END) ", \"explanationURL\": \"https://ca.example/\\u001b[2J\"}",
          "https://ca.example/ [2J" },
        { WINDOW(START, END) ", \"explanationURL\": \"http://ca.example/why\"}", NULL },
        { WINDOW(START, END) ", \"explanationURL\": 7}", NULL },
    };
    static const char *const useless[] = {
        "{}",
        "{\"suggestedWindow\": []}",
        "{\"suggestedWindow\": {\"start\": \"" START "\"}}",
        "{\"suggestedWindow\": {\"end\": \"" END "\"}}",
        "{\"suggestedWindow\": {\"start\": 1, \"end\": 2}}",
        WINDOW("tomorrow", END) "}",
        WINDOW(START, START) "}",
        WINDOW(END, START) "}",
        WINDOW("1969-12-01T04:00:00Z", START) "}",
    };
    RenewalInfo info;

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        json_auto_t *object = json_loads(table[i].text, 0, NULL);

        ASSERT_OK(renewal_info_parse(object, &info));
        ASSERT_EQ(info.start, 1796097600);
        ASSERT_EQ(info.end, 1796097600 + 86400);
        if (table[i].explanation)
            ASSERT_STREQ(info.explanation, table[i].explanation);
        else
            ASSERT_TRUE(!info.explanation);
        renewal_info_done(&info);
    }
    for (size_t i = 0; i < ELEMENTSOF(useless); i++) {
        json_auto_t *object = json_loads(useless[i], 0, NULL);

        ASSERT_TRUE(object);
        ASSERT_EQ(renewal_info_parse(object, &info), -EBADMSG);
    }
    ASSERT_EQ(renewal_info_parse(NULL, &info), -EBADMSG);
}

static void assert_between(unsigned value, unsigned least, unsigned most)
{
    ASSERT_TRUE(value >= least && value <= most);
}

static void test_pause(void)
{
    const unsigned hour = 3600;

    for (unsigned i = 0; i < 100; i++) {
        assert_between(renewal_info_pause(0), 6 * hour, 7 * hour + hour / 2);
        assert_between(renewal_info_pause(2 * hour), 2 * hour, 2 * hour + hour / 2);
        /* Not for ever, and twice a day at the least. */
        assert_between(renewal_info_pause(1), 60, 75);
        assert_between(renewal_info_pause(48 * hour), 9 * hour, 12 * hour);
        assert_between(renewal_info_pause(UINT32_MAX), 9 * hour, 12 * hour);

        assert_between(renewal_info_pause_failed(1, 0), 60, 75);
        assert_between(renewal_info_pause_failed(3, 0), 240, 300);
        assert_between(renewal_info_pause_failed(100, 0), 6 * hour, 7 * hour + hour / 2);
        assert_between(renewal_info_pause_failed(1, hour), hour, hour + hour / 4);
    }
    /* By chance: not all of them at once. */
    for (unsigned first = renewal_info_pause(0), i = 0; renewal_info_pause(0) == first; i++)
        ASSERT_TRUE(i < 100);
}

int main(void)
{
    test_identifier();
    test_parse();
    test_pause();
    return EXIT_SUCCESS;
}
