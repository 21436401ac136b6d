/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/identifier.h"

#include "make-x509.h"
#include "test.h"

static Csr *make_csr(const char *san)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *body = make_request(key, NULL, san);
    const char *why;
    Csr *csr;

    ASSERT_OK(csr_parse(body, strlen(body), &csr, &why));
    return csr;
}

static json_t *make_authorization(const char *type, const char *value, const char *more)
{
    json_t *object = json_pack("{s{ssss}}", "identifier", "type", type, "value", value);

    ASSERT_TRUE(object);
    if (more)
        ASSERT_OK(json_object_set_new(object, more, json_true()));
    return object;
}

static void test_find(void)
{
    static const struct {
        const char *type, *value, *more;
        const char *found; /* NULL: the CA asks for what was not ordered */
        bool is_wildcard, is_address;
    } cases[] = {
        { "dns", "a.example.org", NULL, "a.example.org", false, false },
        { "dns", "A.Example.ORG", NULL, "a.example.org", false, false },
        { "dns", "b.example.org", "wildcard", "b.example.org", true, false },
        { "ip", "192.0.2.1", NULL, "192.0.2.1", false, true },
        { "ip", "2001:db8::1", NULL, "2001:db8::1", false, true },
        { "ip", "2001:DB8:0:0::1", NULL, "2001:db8::1", false, true },
        { "dns", "c.example.org", NULL, NULL, false, false },
        { "dns", "example.org", NULL, NULL, false, false },
        { "dns", "x.a.example.org", NULL, NULL, false, false },
        { "dns", "", NULL, NULL, false, false },
        /* The wildcard and the name below which it stands are two identifiers. */
        { "dns", "b.example.org", NULL, NULL, false, false },
        { "dns", "a.example.org", "wildcard", NULL, false, false },
        { "dns", "*.a.example.org", NULL, NULL, false, false },
        /* Some CAs keep the asterisk. */
        { "dns", "*.b.example.org", NULL, "b.example.org", true, false },
        { "dns", "*.B.example.org", "wildcard", "b.example.org", true, false },
        { "dns", "*.*.b.example.org", "wildcard", NULL, false, false },
        { "dns", "192.0.2.1", NULL, NULL, false, false },
        { "ip", "192.0.2.2", NULL, NULL, false, false },
        { "ip", "192.0.2.1", "wildcard", NULL, false, false },
        { "ip", "a.example.org", NULL, NULL, false, false },
        { "ip", "::ffff:192.0.2.1", NULL, NULL, false, false },
        { "email", "a.example.org", NULL, NULL, false, false },
    };
    _cleanup_(csr_freep) Csr *csr =
        make_csr("DNS:a.example.org,DNS:*.b.example.org,IP:192.0.2.1,IP:2001:db8::1");

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        json_auto_t *object = make_authorization(cases[i].type, cases[i].value, cases[i].more);
        Identifier found = { 0 };

        ASSERT_EQ(identifier_find(object, csr, &found), !!cases[i].found);
        if (!cases[i].found)
            continue;
        ASSERT_STREQ(found.name, cases[i].found);
        ASSERT_EQ(found.is_wildcard, cases[i].is_wildcard);
        ASSERT_EQ(found.is_address, cases[i].is_address);
    }
}

static void test_without_identifier(void)
{
    static const char *const texts[] = { "{}", "{\"identifier\": 5}", "{\"identifier\": {}}",
                                         "{\"identifier\": {\"type\": \"dns\", \"value\": null}}",
                                         "{\"identifier\": {\"value\": \"a.example.org\"}}" };
    _cleanup_(csr_freep) Csr *csr = make_csr("DNS:a.example.org");

    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        json_auto_t *object = json_loads(texts[i], 0, NULL);
        Identifier found;

        ASSERT_TRUE(object);
        ASSERT_FALSE(identifier_find(object, csr, &found));
    }
    ASSERT_FALSE(identifier_find(NULL, csr, &(Identifier){ 0 }));
}

static void test_describe(void)
{
    json_auto_t *plain = make_authorization("dns", "a.example.org\n\033[2J", NULL);
    json_auto_t *wildcard = make_authorization("dns", "b.example.org", "wildcard");
    json_auto_t *empty = json_object();
    _cleanup_free_ char *first = identifier_describe(plain);
    _cleanup_free_ char *second = identifier_describe(wildcard);

    ASSERT_STREQ(first, "a.example.org  [2J");
    ASSERT_STREQ(second, "*.b.example.org");
    ASSERT_TRUE(!identifier_describe(empty));
}

int main(void)
{
    test_find();
    test_without_identifier();
    test_describe();
    return EXIT_SUCCESS;
}
