/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "admission/proxy-header.h"
#include "test.h"

/* The beginning of a header of version 2: signature, command, family, size of the rest. */
#define BINARY(command, family, size) "\r\n\r\n\0\r\nQUIT\n" command family "\0" size
#define LITERAL(text)                 text, sizeof(text) - 1

typedef struct Header {
    const char *data;
    size_t size;
    const char *client; /* NULL: malformed; "": unknown */
} Header;

static const Header headers[] = {
    { LITERAL("PROXY TCP4 192.0.2.7 198.51.100.1 1024 443\r\n"), "192.0.2.7" },
    { LITERAL("PROXY TCP6 2001:db8::7 ::1 65535 0\r\n"), "2001:db8::7" },
    { LITERAL("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), "192.0.2.7" },
    { LITERAL("PROXY UNKNOWN\r\n"), "" },
    { LITERAL("PROXY UNKNOWN ffff:f...f:ffff whatever 65535 65535 and more\r\n"), "" },
    { LITERAL(BINARY("\x21", "\x11", "\x0c") "\xc0\0\2\x07\x7f\0\0\1\4\0\1\xbb"), "192.0.2.7" },
    /* with a TLV */
    { LITERAL(BINARY("\x21", "\x11", "\x10") "\xc0\0\2\x07\x7f\0\0\1\4\0\1\xbb\4\0\1\0"),
      "192.0.2.7" },
    { LITERAL(BINARY("\x21", "\x21", "\x24") "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
                                             "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\4\0\1\xbb"),
      "2001:db8::7" },
    { LITERAL(BINARY("\x20", "\0", "\0")), "" },
    { LITERAL(BINARY("\x20", "\x11", "\x0c") "\xc0\0\2\x07\x7f\0\0\1\4\0\1\xbb"), "" },
    { LITERAL(BINARY("\x21", "\0", "\3") "abc"), "" },
    { LITERAL(BINARY("\x21", "\x31", "\1") "/"), "" },

    { LITERAL("GET / HTTP/1.1\r\n"), NULL },
    { LITERAL("proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
    { LITERAL("PROXY \r\n"), NULL },
    { LITERAL("PROXY TCP4\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 192.0.2.1 1\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 192.0.2.1 1 2 \r\n"), NULL },
    { LITERAL("PROXY TCP4  192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7\0 192.0.2.1 1 2\r\n"), NULL },
    { LITERAL("PROXY TCP4 2001:db8::7 ::1 1 2\r\n"), NULL },
    { LITERAL("PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 nowhere 1 2\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.07 192.0.2.1 1 2\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 192.0.2.1 65536 2\r\n"), NULL },
    { LITERAL("PROXY TCP4 192.0.2.7 192.0.2.1 -1 2\r\n"), NULL },
    { LITERAL("PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n"), NULL },
    { LITERAL("PROXY UNKNOWN 4567890123456789012345678901234567890123456789012345678901234567890"
              "1234567890123456789012345\r\n"),
      NULL },
    /* version 3, command 2, datagrams, too short for its addresses, too long */
    { LITERAL(BINARY("\x31", "\x11", "\x0c") "\xc0\0\2\x07\x7f\0\0\1\4\0\1\xbb"), NULL },
    { LITERAL(BINARY("\x22", "\x11", "\x0c") "\xc0\0\2\x07\x7f\0\0\1\4\0\1\xbb"), NULL },
    { LITERAL(BINARY("\x21", "\x12", "\x0c") "\xc0\0\2\x07\x7f\0\0\1\4\0\1\xbb"), NULL },
    { LITERAL(BINARY("\x21", "\x11", "\x0b") "\xc0\0\2\x07\x7f\0\0\1\4\0\1"), NULL },
    { LITERAL(BINARY("\x21", "\x21", "\x23") "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
                                             "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\4\0\1"),
      NULL },
    { LITERAL("\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"), NULL },
};

static const char *client_of(const SocketAddress *address)
{
    static char text[INET6_ADDRSTRLEN];

    return address->sa.sa_family == AF_UNSPEC ? "" : socket_address_format(address, text);
}

/* What follows the header is not touched, and each beginning of a good header is incomplete. */
static void test_read(void)
{
    char data[256];
    SocketAddress client;

    for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
        const Header *h = &headers[i];

        memcpy(data, h->data, h->size);
        memcpy(data + h->size, "GET", 3);
        if (!h->client) {
            ASSERT_EQ(proxy_header_read(data, h->size + 3, &client), -EBADMSG);
            continue;
        }
        ASSERT_EQ(proxy_header_read(data, h->size + 3, &client), h->size);
        ASSERT_STREQ(client_of(&client), h->client);
        for (size_t size = 0; size < h->size; size++)
            ASSERT_EQ(proxy_header_read(data, size, &client), 0);
    }
}

static SocketAddress make_address(const char *text, uint16_t port)
{
    SocketAddress address = { 0 };

    (void)socket_address_parse(text, &address);
    address.in.sin_port = htons(port);
    return address;
}

static void test_write(void)
{
    static const struct {
        const char *source, *destination, *client;
        size_t size;
    } cases[] = {
        { "192.0.2.7", "192.0.2.1", "192.0.2.7", 28 },
        { "2001:db8::7", "::1", "2001:db8::7", 52 },
        { "::ffff:192.0.2.7", "::ffff:192.0.2.1", "192.0.2.7", 28 },
        { "192.0.2.7", "::1", "", 16 },
        { "none", "192.0.2.1", "", 16 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        SocketAddress source = make_address(cases[i].source, 1234), client;
        SocketAddress destination = make_address(cases[i].destination, 443);
        uint8_t buf[PROXY_HEADER_WRITE_MAX];
        size_t size = proxy_header_write(&source, &destination, buf);

        ASSERT_EQ(size, cases[i].size);
        ASSERT_EQ(proxy_header_read(buf, size, &client), size);
        ASSERT_STREQ(client_of(&client), cases[i].client);
        if (client.sa.sa_family != AF_UNSPEC)
            ASSERT_EQ(ntohs(client.in.sin_port), 1234);
    }
}

int main(void)
{
    test_read();
    test_write();
    return EXIT_SUCCESS;
}
