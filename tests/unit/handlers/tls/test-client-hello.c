/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/client-hello.h"

#include "test.h"

#define LONG_HELLO ((size_t)20000)

typedef struct Bytes {
    uint8_t data[LONG_HELLO + 64];
    size_t size;
} Bytes;

static void add(Bytes *b, const void *data, size_t size)
{
    ASSERT_TRUE(b->size + size <= sizeof(b->data));
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void add_number(Bytes *b, size_t number, size_t bytes)
{
    while (bytes-- > 0)
        add(b, &(uint8_t){ (uint8_t)(number >> (8 * bytes)) }, 1);
}

static void add_vector(Bytes *b, const void *data, size_t size, size_t bytes)
{
    add_number(b, size, bytes);
    add(b, data, size);
}

static void add_name(Bytes *b, const char *name, size_t size)
{
    add_number(b, 0, 2);
    add_number(b, size + 5, 2);
    add_number(b, size + 3, 2);
    add_number(b, 0, 1);
    add_vector(b, name, size, 2);
}

static void add_protocols(Bytes *b, const char *list, size_t size)
{
    add_number(b, 16, 2);
    add_number(b, size + 2, 2);
    add_vector(b, list, size, 2);
}

/* Makes a ClientHello with these extensions, in records of at most this size. */
static Bytes make_hello(const Bytes *extensions, size_t record_max)
{
    Bytes body = { .size = 0 }, message = { .size = 0 }, all = { .size = 0 };

    add_number(&body, 0x0303, 2);
    for (size_t i = 0; i < 32; i++)
        add_number(&body, i, 1);
    add_vector(&body, "session", 7, 1);
    add_vector(&body, "\x13\x01\x13\x02", 4, 2);
    add_vector(&body, "\0", 1, 1);
    if (extensions)
        add_vector(&body, extensions->data, extensions->size, 2);
    add_number(&message, 1, 1);
    add_vector(&message, body.data, body.size, 3);
    for (size_t from = 0; from < message.size; from += record_max) {
        size_t size = message.size - from < record_max ? message.size - from : record_max;

        add(&all, "\x16\x03\x01", 3);
        add_vector(&all, message.data + from, size, 2);
    }
    return all;
}

#define ACME                                                                                       \
    "\x0a"                                                                                         \
    "acme-tls/1"

static void test_whole(void)
{
    static const struct {
        const char *name, *protocols;
        const char *expected;
        bool is_validation;
    } table[] = {
        { "www.example.org", ACME, "www.example.org", true },
        { "WWW.Example.ORG", ACME, "www.example.org", true },
        { "1.2.0.192.in-addr.arpa", ACME, "1.2.0.192.in-addr.arpa", true },
        { "www.example.org", "\x02h2\x08http/1.1", "www.example.org", false },
        /* acme-tls/1 among others */
        { "www.example.org", ACME "\x02h2", "www.example.org", false },
        { "www.example.org", "\x02h2" ACME, "www.example.org", false },
        { "www.example.org", ACME ACME, "www.example.org", false },
        { "www.example.org",
          "\x0a"
          "acme-tls/2",
          "www.example.org", false },
        { "www.example.org",
          "\x09"
          "acme-tls/",
          "www.example.org", false },
        { "www.example.org", NULL, "www.example.org", false },
        { NULL, ACME, "", true },
        { NULL, NULL, "", false },
        /* not host names */
        { "*.example.org", ACME, "", true },
        { "www.example.org.", ACME, "", true },
        { "../../etc/passwd", ACME, "", true },
        { "192.0.2.1", ACME, "", true },
        { "a/b", ACME, "", true },
        { ".tmp-x", ACME, "", true },
    };
    static const size_t records[] = { 16384, 100, 7, 1 };

    for (size_t i = 0; i < ELEMENTSOF(table) * ELEMENTSOF(records); i++) {
        size_t row = i / ELEMENTSOF(records);
        Bytes extensions = { .size = 0 }, hello;
        ClientHello found;

        add(&extensions, "\0\x17\0\0", 4); /* an extension that the parser ignores */
        if (table[row].name)
            add_name(&extensions, table[row].name, strlen(table[row].name));
        if (table[row].protocols)
            add_protocols(&extensions, table[row].protocols, strlen(table[row].protocols));
        hello = make_hello(&extensions, records[i % ELEMENTSOF(records)]);
        ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), CLIENT_HELLO_WHOLE);
        ASSERT_STREQ(found.server_name, table[row].expected);
        ASSERT_EQ(found.is_validation, table[row].is_validation);
        ASSERT_EQ(client_hello_measure(hello.data, hello.size), CLIENT_HELLO_WHOLE);
        for (size_t size = 0; size < hello.size; size++) {
            ASSERT_EQ(client_hello_parse(hello.data, size, &found), CLIENT_HELLO_UNFINISHED);
            ASSERT_EQ(client_hello_measure(hello.data, size), CLIENT_HELLO_UNFINISHED);
        }
    }
}

static void test_odd_names(void)
{
    Bytes extensions = { .size = 0 }, hello;
    ClientHello found;
    char name[300];

    add_name(&extensions, "www.example.org\0.example.net", 28);
    hello = make_hello(&extensions, 16384);
    ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), CLIENT_HELLO_WHOLE);
    ASSERT_STREQ(found.server_name, "");

    memset(name, 'a', sizeof(name));
    extensions.size = 0;
    add_name(&extensions, name, sizeof(name));
    hello = make_hello(&extensions, 16384);
    ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), CLIENT_HELLO_WHOLE);
    ASSERT_STREQ(found.server_name, "");
}

static void test_no_extensions(void)
{
    Bytes hello = make_hello(NULL, 16384);
    ClientHello found;

    ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), CLIENT_HELLO_WHOLE);
    ASSERT_STREQ(found.server_name, "");
    ASSERT_FALSE(found.is_validation);
}

static void assert_bad(const Bytes *extensions)
{
    Bytes hello = make_hello(extensions, 16384);
    ClientHello found;

    ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), -EBADMSG);
}

static void test_bad_extensions(void)
{
    static const struct {
        const char *data;
        size_t size;
    } table[] = {
        { "\0", 1 },                                              /* cut off in its header */
        { "\0\x17\0\x01", 4 },                                    /* cut off in its content */
        { "\0\0\0\0", 4 },                                        /* server_name: empty */
        { "\0\0\0\x02\0\0", 6 },                                  /* an empty list */
        { "\0\0\0\x06\0\x04\x01\0\x01x", 10 },                    /* another name type */
        { "\0\0\0\x06\0\x04\0\0\x02x", 10 },                      /* cut off */
        { "\0\0\0\x0a\0\x08\0\0\x01x\0\0\x01y", 14 },             /* two names */
        { "\0\0\0\x07\0\x04\0\0\x01xy", 11 },                     /* bytes after the list */
        { "\0\x10\0\0", 4 },                                      /* protocols: empty */
        { "\0\x10\0\x02\0\0", 6 },                                /* an empty list */
        { "\0\x10\0\x03\0\x01\0", 7 },                            /* an empty name */
        { "\0\x10\0\x04\0\x02\x02x", 8 },                         /* cut off */
        { "\0\x10\0\x05\0\x02\x01xy", 9 },                        /* bytes after the list */
        { "\0\x10\0\x04\0\x02\x01x\0\x10\0\x04\0\x02\x01x", 16 }, /* twice */
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Bytes extensions = { .size = 0 };

        add(&extensions, table[i].data, table[i].size);
        assert_bad(&extensions);
    }
}

static void test_not_a_hello(void)
{
    static const struct {
        const char *data;
        size_t size;
        int result;
    } table[] = {
        { "", 0, CLIENT_HELLO_UNFINISHED },
        { "\x16", 1, CLIENT_HELLO_UNFINISHED },
        { "\x16\x03\x01\0", 4, CLIENT_HELLO_UNFINISHED },
        { "G", 1, -EBADMSG },
        { "\x15\x03\x01\0\x02\x02\x28", 7, -EBADMSG }, /* an alert */
        { "\x80\x2e\x01\x03\x01", 5, -EBADMSG },       /* SSL 2 */
        { "\x16\x02", 2, -EBADMSG },
        { "\x16\x03\x01\0\0", 5, -EBADMSG },                  /* an empty record */
        { "\x16\x03\x01\x40\x01", 5, -EBADMSG },              /* a record that is too long */
        { "\x16\x03\x01\0\x04\x02", 6, -EBADMSG },            /* a ServerHello */
        { "\x16\x03\x01\0\x04\x01\0\0\0", 9, -EBADMSG },      /* an empty message */
        { "\x16\x03\x01\0\x04\x01\0\x40\0", 9, -EFBIG },      /* a length that is too long */
        { "\x16\x03\x01\0\x01\x01\x17\x03\x01", 9, -EBADMSG } /* another record between */
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ClientHello found;

        ASSERT_EQ(client_hello_parse((const uint8_t *)table[i].data, table[i].size, &found),
                  table[i].result);
    }
}

/* One-byte records make a short message long. */
static void test_too_long(void)
{
    Bytes extensions = { .size = 0 }, hello;
    ClientHello found;

    add_number(&extensions, 21, 2);
    add_number(&extensions, 3000, 2);
    for (size_t i = 0; i < 3000; i++)
        add_number(&extensions, 0, 1);
    hello = make_hello(&extensions, 1);
    ASSERT_TRUE(hello.size > CLIENT_HELLO_SIZE_MAX);
    ASSERT_EQ(client_hello_parse(hello.data, CLIENT_HELLO_SIZE_MAX, &found), -EFBIG);
    hello = make_hello(&extensions, 16384);
    ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), CLIENT_HELLO_WHOLE);
}

static void test_something_behind(void)
{
    Bytes hello = make_hello(NULL, 16384);
    ClientHello found;

    /* in the same record */
    add_number(&hello, 0, 1);
    hello.data[4]++;
    ASSERT_EQ(client_hello_parse(hello.data, hello.size, &found), -EBADMSG);
}

int main(void)
{
    test_whole();
    test_odd_names();
    test_no_extensions();
    test_bad_extensions();
    test_not_a_hello();
    test_too_long();
    test_something_behind();
    return 0;
}
