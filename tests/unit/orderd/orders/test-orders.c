/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/orders.h"

#include "loading/load.h"
#include "make-x509.h"
#include "statedir/order-record.h"
#include "test-directory-faults.h"
#include "test-directory.h"
#include "test.h"

static char block[] = "web", server[] = "https://ca.example/dir", id[] = "0123456789abcdef";

typedef struct Bed {
    sd_event *event;
    Config *config;
    Orders *orders;
    char key[STORAGE_KEY_SIZE];
    char *file; /* the name of the order's file in the state directory */
} Bed;

/* Saves an order as an earlier process left it. */
static void save_order(Bed *bed)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *body = make_request(key, NULL, "DNS:a.example.org");
    const OrderRecord record = {
        .stage = ORDER_STAGE_NEW,
        .created = time(NULL),
        .server = server,
        .auth = block,
        .body = body,
        .body_size = strlen(body),
        .request_id = id,
    };

    ASSERT_OK(storage_key(body, strlen(body), bed->key));
    ASSERT_OK(order_record_save(bed->config->state_directory, bed->key, &record));
    ASSERT_TRUE(asprintf(&bed->file, "orders/%s.json", bed->key) > 0);
}

static Config *load_config(const char *directory)
{
    _cleanup_free_ char *path = test_path(directory, "acmems.ini"), *content = NULL;
    Config *config = NULL;

    ASSERT_TRUE(asprintf(&content,
                         "[account]\nacme-server=%s\n[state]\ndirectory=%s\n[auth \"%s\"]\n"
                         "ip=192.0.2.1\ndomain=*.example.org\n",
                         server, directory, block) > 0);
    test_write(directory, "acmems.ini", content);
    ASSERT_OK(config_load(path, NULL, NULL, &config));
    return config;
}

static void assert_orders(const Bed *bed, bool are_known, size_t in_flight)
{
    ASSERT_EQ(orders_are_known(bed->orders), are_known);
    ASSERT_EQ(orders_in_flight(bed->orders), in_flight);
    /* Any name may be in an order that is not known. */
    ASSERT_EQ(orders_have_name(bed->orders, "b.example.org"), !are_known);
}

static void test_list_fails(const Bed *bed)
{
    assert_orders(bed, false, 0);
    fault_readdir = EIO;
    fault_readdir_after = 0;
    orders_resume(bed->orders, bed->config);
    fault_readdir = 0;
    assert_orders(bed, false, 0);
}

/* Replaces the file for one attempt. @content NULL: by a directory. */
static void test_file_fails(const Bed *bed, const char *content)
{
    const char *state = bed->config->state_directory;
    _cleanup_free_ char *path = test_path(state, bed->file), *aside = test_path(state, "aside");

    ASSERT_OK(rename(path, aside));
    if (content)
        test_write(state, bed->file, content);
    else
        ASSERT_OK(mkdir(path, 0700));
    orders_resume(bed->orders, bed->config);
    assert_orders(bed, false, 0);
    ASSERT_TRUE(test_exists(state, bed->file));
    ASSERT_OK(remove(path));
    ASSERT_OK(rename(aside, path));
}

static void test_resumed(const Bed *bed)
{
    for (int i = 0; i < 2; i++) { /* the second time, it is in progress already */
        orders_resume(bed->orders, bed->config);
        assert_orders(bed, true, 1);
        ASSERT_TRUE(orders_have_name(bed->orders, "a.example.org"));
    }
}

/* A damaged file is removed, and its order is not awaited. */
static void test_damaged(const Bed *bed)
{
    static const char *const contents[] = { "{", "{\"version\": 1}" };

    for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
        test_write(bed->config->state_directory, bed->file, contents[i]);
        orders_resume(bed->orders, bed->config);
        assert_orders(bed, true, 0);
        ASSERT_FALSE(test_exists(bed->config->state_directory, bed->file));
    }
}

int main(void)
{
    static const Solvers solvers = { .http01_fd = -EBADF };
    _cleanup_test_directory_ char *directory = test_directory_new();
    Bed bed = { .config = load_config(directory) };

    ASSERT_OK(sd_event_new(&bed.event));
    ASSERT_OK(orders_new(bed.event, &solvers, &bed.orders));
    save_order(&bed);
    test_list_fails(&bed);
    test_file_fails(&bed, NULL);
    test_file_fails(&bed, "{\"version\": 2}");
    test_resumed(&bed);
    bed.orders = orders_free(bed.orders);

    ASSERT_OK(orders_new(bed.event, &solvers, &bed.orders));
    test_damaged(&bed);
    orders_free(bed.orders);
    sd_event_unref(bed.event);
    config_unref(bed.config);
    free(bed.file);
    return EXIT_SUCCESS;
}
