/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"
#include "x509/dns-name.h"

static void test_valid(void)
{
    static const char *const valid[] = {
        "localhost", "a.b",           "www.example.org", "xn--mnchen-3ya.example",
        "a-b.c1",    "*.example.org", "1.2.3.4a",        "0.example",
    };
    static const char *const invalid[] = {
        "",    ".",   ".a",    "a.",    "a..b",        "-a.b", "a-.b",       "a_b.c",
        "A.b", "*",   "*.",    "a.*.b", "**.a",        "*a.b", "*.*.a",      "192.0.2.1",
        "a.1", "a b", "a.b\n", "a/b",   "m\xc3\xbc.b", "::1",  "http://a.b", "a.b:80",
    };

    for (size_t i = 0; i < ELEMENTSOF(valid); i++)
        ASSERT_TRUE(dns_name_is_valid(valid[i]));
    for (size_t i = 0; i < ELEMENTSOF(invalid); i++)
        ASSERT_FALSE(dns_name_is_valid(invalid[i]));
}

static void test_lengths(void)
{
    char name[DNS_NAME_MAX + 2];

    memset(name, 'a', sizeof(name));
    name[63] = '\0';
    ASSERT_TRUE(dns_name_is_valid(name));
    name[63] = 'a';
    name[64] = '\0';
    ASSERT_FALSE(dns_name_is_valid(name));

    name[64] = 'a';
    for (size_t i = 63; i < sizeof(name); i += 64)
        name[i] = '.';
    name[DNS_NAME_MAX] = '\0';
    ASSERT_TRUE(dns_name_is_valid(name));
    name[DNS_NAME_MAX] = 'a';
    name[DNS_NAME_MAX + 1] = '\0';
    ASSERT_FALSE(dns_name_is_valid(name));
}

static void test_fold(void)
{
    char name[] = "WwW.Z\xc3\x84[.ORG";

    dns_name_fold(name);
    ASSERT_STREQ(name, "www.z\xc3\x84[.org");
}

static void test_parts(void)
{
    ASSERT_STREQ(dns_name_base("*.example.org"), "example.org");
    ASSERT_STREQ(dns_name_base("www.example.org"), "www.example.org");
    ASSERT_TRUE(dns_name_is_below("www.example.org", "example.org"));
    ASSERT_TRUE(dns_name_is_below("www.example.org", "org"));
    ASSERT_FALSE(dns_name_is_below("example.org", "example.org"));
    ASSERT_FALSE(dns_name_is_below("myexample.org", "example.org"));
    ASSERT_FALSE(dns_name_is_below("org", "example.org"));
}

static void test_matches(void)
{
    ASSERT_TRUE(dns_name_matches("www.example.org", "www.example.org"));
    ASSERT_TRUE(dns_name_matches("www.example.org", "*.example.org"));
    ASSERT_TRUE(dns_name_matches("a.b.example.org", "*.example.org"));
    ASSERT_TRUE(dns_name_matches("www.example.org", "*"));
    ASSERT_TRUE(dns_name_matches("w1.example.org", "w[0-9].example.org"));
    ASSERT_TRUE(dns_name_matches("w1.example.org", "w?.example.org"));
    ASSERT_FALSE(dns_name_matches("example.org", "*.example.org"));
    ASSERT_FALSE(dns_name_matches("www.example.org", "example.org"));
    ASSERT_FALSE(dns_name_matches("wwwxexample.org", "www.example.org"));
    ASSERT_FALSE(dns_name_matches("www.example.org.evil", "*.example.org"));

    /* A wildcard covers more than one name. */
    ASSERT_TRUE(dns_name_matches("*.example.org", "*.example.org"));
    ASSERT_TRUE(dns_name_matches("*.example.org", "*"));
    ASSERT_TRUE(dns_name_matches("*.www.example.org", "*.example.org"));
    ASSERT_FALSE(dns_name_matches("*.example.org", "?.example.org"));
    ASSERT_FALSE(dns_name_matches("*.example.org", "[*].example.org"));
    ASSERT_FALSE(dns_name_matches("*.example.org", "[!a].example.org"));
    ASSERT_FALSE(dns_name_matches("*.example.org", "\\*.example.org"));
    ASSERT_FALSE(dns_name_matches("*.example.org", "www.example.org"));
    ASSERT_FALSE(dns_name_matches("*.example.org", "*.www.example.org"));
}

int main(void)
{
    test_valid();
    test_lengths();
    test_fold();
    test_parts();
    test_matches();
    return 0;
}
