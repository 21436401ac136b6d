/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/order-record.h"

#include "strings/strv.h"
#include "test-directory.h"
#include "test.h"

/* The keys of body and other_body. */
#define KEY_A                                                                                      \
    "47f55ceefdbee8e10c2d3621c27916990d7dc39155a09dffc95096d05b7f920f"                             \
    "60218dc4a0e184b24a6a3a68b90f5765"
#define KEY_B                                                                                      \
    "700da4e528466c3b334c52790c2c14cf448cefc8ebb732bec44c8c4050e23bb3"                             \
    "6a25b114f540ad6418ef83188452ab0a"

static char server[] = "https://ca.example/dir", auth[] = "web \"servers\"", body[] = "a\0b\xff",
            other_body[] = "other", id[] = "0123456789abcdef", url[] = "https://ca.example/order/1",
            finalize[] = "https://ca.example/order/1/finalize", client[] = "192.0.2.7",
            chain[] = "-----BEGIN CERTIFICATE-----\n";

static OrderRecord example(OrderStage stage)
{
    return (OrderRecord){
        .stage = stage,
        .created = 1795600000,
        .issued = 1795600001,
        .expires = 1795686400,
        .is_exempt = true,
        .server = server,
        .auth = auth,
        .body = body,
        .body_size = sizeof(body) - 1,
        .request_id = id,
        .client = client,
        .url = url,
        .finalize_url = finalize,
        .chain = chain,
    };
}

static void test_life(const char *state)
{
    _cleanup_free_ char *orders = test_path(state, "orders");
    const OrderRecord record = example(ORDER_STAGE_FINALIZING);
    OrderRecord other = record, read = { 0 };
    _cleanup_strv_ char **keys = NULL;

    other.body = other_body;
    other.body_size = sizeof(other_body) - 1;

    ASSERT_EQ(order_record_load(state, KEY_A, &read), -ENOENT);
    ASSERT_OK(order_record_remove(state, KEY_A));
    ASSERT_OK(order_record_save(state, KEY_A, &record));
    ASSERT_OK(order_record_save(state, KEY_B, &other));
    ASSERT_EQ(test_mode(state, "orders"), 0700);
    ASSERT_EQ(test_mode(orders, KEY_A ".json"), 0600);

    ASSERT_OK(order_record_load(state, KEY_A, &read));
    ASSERT_EQ(read.stage, ORDER_STAGE_FINALIZING);
    ASSERT_EQ(read.created, 1795600000);
    ASSERT_EQ(read.issued, 1795600001);
    ASSERT_EQ(read.expires, 1795686400);
    ASSERT_EQ(read.body_size, sizeof(body) - 1);
    ASSERT_EQ(memcmp(read.body, body, sizeof(body)), 0);
    ASSERT_STREQ(read.server, server);
    ASSERT_STREQ(read.auth, auth);
    ASSERT_STREQ(read.request_id, id);
    ASSERT_STREQ(read.client, client);
    ASSERT_TRUE(read.is_exempt);
    ASSERT_STREQ(read.url, url);
    ASSERT_STREQ(read.finalize_url, finalize);
    ASSERT_STREQ(read.chain, chain);
    order_record_done(&read);
    ASSERT_TRUE(!read.body && !read.url);

    /* The list has only files with the name of a record. Cleaning removes the temporary file. */
    test_write(orders, ".tmp-0123", "half");
    test_write(orders, "README.json", "{}");
    ASSERT_OK(order_record_list(state, &keys));
    ASSERT_EQ(strv_length(keys), 2);
    ASSERT_STREQ(keys[0], KEY_A);
    ASSERT_STREQ(keys[1], KEY_B);
    ASSERT_TRUE(test_exists(orders, ".tmp-0123"));
    ASSERT_OK(order_record_clean(state));
    ASSERT_FALSE(test_exists(orders, ".tmp-0123"));

    ASSERT_OK(order_record_remove(state, KEY_A));
    ASSERT_EQ(order_record_load(state, KEY_A, &read), -ENOENT);
    ASSERT_OK(order_record_load(state, KEY_B, &read));
    order_record_done(&read);
}

/* A record without the members that its stage requires is damaged. */
static void test_stages(const char *state)
{
    OrderRecord record = example(ORDER_STAGE_NEW), read = { 0 };

    record.url = record.finalize_url = record.chain = record.client = NULL;
    ASSERT_OK(order_record_save(state, KEY_A, &record));
    ASSERT_OK(order_record_load(state, KEY_A, &read));
    ASSERT_TRUE(!read.url && !read.client && !read.chain);
    order_record_done(&read);
    for (OrderStage stage = ORDER_STAGE_PLACED; stage <= ORDER_STAGE_ISSUED; stage++) {
        record.stage = stage;
        ASSERT_OK(order_record_save(state, KEY_A, &record));
        ASSERT_EQ(order_record_load(state, KEY_A, &read), -EBADMSG);
    }
    record.stage = ORDER_STAGE_PLACED;
    record.url = (char[]){ "https://ca.example/order/1" }; /* the response was truncated */
    ASSERT_OK(order_record_save(state, KEY_A, &record));
    ASSERT_OK(order_record_load(state, KEY_A, &read));
    ASSERT_TRUE(streq(read.url, record.url) && !read.finalize_url);
    order_record_done(&read);
}

static void test_damaged(const char *state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"version\": 1}",
        "{\"version\": 1, \"stage\": \"new\", \"server\": \"s\", \"auth\": \"a\", "
        "\"requestId\": \"r\", \"csr\": \"not base64\"}",
        "{\"version\": 1, \"stage\": \"new\", \"server\": 1, \"auth\": \"a\", \"requestId\": "
        "\"r\", \"csr\": \"\"}",
        "{\"version\": 1, \"stage\": \"other\", \"server\": \"s\", \"auth\": \"a\", "
        "\"requestId\": \"r\", \"csr\": \"\"}",
    };
    _cleanup_free_ char *orders = test_path(state, "orders");
    OrderRecord read = { 0 };

    test_write(orders, KEY_A ".json", "{\"version\": 2}");
    ASSERT_EQ(order_record_load(state, KEY_A, &read), -EPROTONOSUPPORT);
    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        test_write(orders, KEY_A ".json", texts[i]);
        ASSERT_EQ(order_record_load(state, KEY_A, &read), -EBADMSG);
        ASSERT_TRUE(!read.server);
    }
}

/* The record of another order is damaged. */
static void test_misplaced(const char *state)
{
    const OrderRecord record = example(ORDER_STAGE_ISSUED);
    OrderRecord read = { 0 };

    ASSERT_OK(order_record_save(state, KEY_B, &record));
    ASSERT_EQ(order_record_load(state, KEY_B, &read), -EBADMSG);
    ASSERT_TRUE(!read.server);
    ASSERT_OK(order_record_save(state, KEY_A, &record));
    ASSERT_OK(order_record_load(state, KEY_A, &read));
    order_record_done(&read);
}

int main(void)
{
    _cleanup_(test_directory_freep) char *state = test_directory_new();

    test_life(state);
    test_stages(state);
    test_damaged(state);
    test_misplaced(state);
    return EXIT_SUCCESS;
}
