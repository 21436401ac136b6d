/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/dns-record.h"

#include "strings/strv.h"
#include "test-directory.h"
#include "test.h"

static char verification[] = "dns", name[] = "www.example.org", zone[] = "example.org",
            owner[] = "_acme-challenge.www.example.org", value[] = "gfj9Xq", other[] = "Rg85nM",
            servers[] = "192.0.2.53 [2001:db8::53]:5353";

static DnsRecord example(void)
{
    return (DnsRecord){ .verification = verification,
                        .name = name,
                        .zone = zone,
                        .owner = owner,
                        .value = value,
                        .created = 1795600000 };
}

static void test_life(const char *state)
{
    DnsRecord written = example();
    _cleanup_strv_ char **keys = NULL;
    char key[STORAGE_KEY_SIZE];
    DnsRecord read = { 0 };

    ASSERT_OK(dns_record_list(state, &keys));
    ASSERT_TRUE(!keys);
    ASSERT_OK(dns_record_key(&written, key));
    ASSERT_EQ(dns_record_load(state, key, &read), -ENOENT);
    ASSERT_OK(dns_record_save(state, &written));
    ASSERT_EQ(test_mode(state, "dns"), 0700);
    ASSERT_OK(dns_record_load(state, key, &read));
    ASSERT_STREQ(read.verification, verification);
    ASSERT_STREQ(read.name, name);
    ASSERT_STREQ(read.zone, zone);
    ASSERT_STREQ(read.owner, owner);
    ASSERT_STREQ(read.value, value);
    ASSERT_EQ(read.created, 1795600000);
    ASSERT_TRUE(!read.servers && !read.unsure);
    dns_record_done(&read);
    written.servers = servers;
    written.unsure = other;
    ASSERT_OK(dns_record_save(state, &written));
    ASSERT_OK(dns_record_load(state, key, &read));
    ASSERT_STREQ(read.servers, servers);
    ASSERT_STREQ(read.unsure, other);
    dns_record_done(&read);

    ASSERT_OK(dns_record_list(state, &keys));
    ASSERT_EQ(strv_length(keys), 1);
    ASSERT_STREQ(keys[0], key);
    ASSERT_OK(dns_record_remove(state, key));
    ASSERT_OK(dns_record_remove(state, key));
    ASSERT_EQ(dns_record_load(state, key, &read), -ENOENT);
}

static void test_keys(void)
{
    DnsRecord a = example(), b = example();
    char ka[STORAGE_KEY_SIZE], kb[STORAGE_KEY_SIZE];

    b.name = other;
    b.created = 0;
    ASSERT_OK(dns_record_key(&a, ka));
    ASSERT_OK(dns_record_key(&b, kb));
    ASSERT_STREQ(ka, kb);
    b.value = other;
    ASSERT_OK(dns_record_key(&b, kb));
    ASSERT_TRUE(strcmp(ka, kb) != 0);
}

static void test_damaged(const char *state)
{
    static const struct {
        const char *content;
        int r;
    } table[] = {
        { "", -EBADMSG },
        { "[]", -EBADMSG },
        { "{\"version\": 1}", -EBADMSG },
        { "{\"version\": 2}", -EPROTONOSUPPORT },
        { "{\"version\": 1, \"verification\": \"d\", \"name\": \"n\", \"zone\": \"z\", \"owner\": "
          "1,"
          " \"value\": \"v\"}",
          -EBADMSG },
    };
    const DnsRecord record = example();
    char key[STORAGE_KEY_SIZE], path[STORAGE_KEY_SIZE + 16];

    ASSERT_OK(dns_record_save(state, &record));
    ASSERT_OK(dns_record_key(&record, key));
    snprintf(path, sizeof(path), "dns/%s.json", key);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        DnsRecord read = { 0 };

        test_write(state, path, table[i].content);
        ASSERT_EQ(dns_record_load(state, key, &read), table[i].r);
        ASSERT_TRUE(!read.owner);
    }
}

int main(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();

    test_life(state);
    test_keys();
    test_damaged(state);
    return EXIT_SUCCESS;
}
