/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/client-hello.h"

#include "base/macro.h"

#define RECORD_HEADER_SIZE  5U
#define RECORD_SIZE_MAX     ((size_t)16 * 1024) /* RFC 8446 §5.1 */
#define CONTENT_HANDSHAKE   22U
#define MESSAGE_HEADER_SIZE 4U
#define MESSAGE_HELLO       1U
#define RANDOM_SIZE         32U
#define SESSION_ID_SIZE_MAX 32U

#define NAME_TYPE_HOST 0U

/* The bytes left to read. Taking more than there are makes the reader fail permanently. */
typedef struct Reader {
    const uint8_t *data;
    size_t size;
    bool failed;
} Reader;

static Reader take(Reader *r, size_t size)
{
    Reader part = { .data = r->data, .size = size };

    if (r->failed || size > r->size) {
        r->failed = true;
        return (Reader){ .failed = true };
    }
    r->data += size;
    r->size -= size;
    return part;
}

/* Takes a big-endian number of this many bytes. */
static size_t take_number(Reader *r, size_t bytes)
{
    Reader part = take(r, bytes);
    size_t number = 0;

    for (size_t i = 0; i < part.size; i++)
        number = number << 8 | part.data[i];
    return number;
}

/* Takes a vector: its length, a number of this many bytes, then its content. */
static Reader take_vector(Reader *r, size_t bytes)
{
    return take(r, take_number(r, bytes));
}

/* The content of the records received so far, joined. */
typedef struct Message {
    uint8_t data[CLIENT_HELLO_SIZE_MAX];
    size_t size;
} Message;

/* Adds the content of the next record to @message. Returns 1 when the record is complete, 0 when it
 * is not, or -errno. */
static int take_record(Reader *r, Message *message)
{
    uint8_t type = r->data[0];
    size_t length;
    Reader header, content;

    if (type != CONTENT_HANDSHAKE || (r->size > 1 && r->data[1] != 3))
        return -EBADMSG;
    if (r->size < RECORD_HEADER_SIZE)
        return 0;
    header = take(r, RECORD_HEADER_SIZE - 2);
    length = take_number(r, 2);
    if (header.failed || length == 0 || length > RECORD_SIZE_MAX)
        return -EBADMSG;
    content = take(r, length < r->size ? length : r->size);
    if (message->size + content.size > sizeof(message->data))
        return -EFBIG;
    if (content.size > 0)
        memcpy(message->data + message->size, content.data, content.size);
    message->size += content.size;
    return content.size == length;
}

/* Reads the size of the message from its header: 0 while the header is incomplete. */
static int message_length(const Message *message, size_t *ret)
{
    Reader r = { .data = message->data, .size = message->size };
    size_t type, length;

    if (message->size > 0 && message->data[0] != MESSAGE_HELLO)
        return -EBADMSG;
    type = take_number(&r, 1);
    length = take_number(&r, 3);
    if (r.failed || type != MESSAGE_HELLO) {
        *ret = 0;
        return 0;
    }
    if (length > CLIENT_HELLO_SIZE_MAX - MESSAGE_HEADER_SIZE)
        return -EFBIG;
    *ret = MESSAGE_HEADER_SIZE + length;
    return 0;
}

/* Joins the records. Returns CLIENT_HELLO_WHOLE once the message is complete. */
static int collect(Reader r, Message *message)
{
    size_t length = 0;
    int more = 1;

    while (more > 0 && r.size > 0) {
        int e;

        more = take_record(&r, message);
        if (more < 0)
            return more;
        e = message_length(message, &length);
        if (e < 0)
            return e;
        if (length > 0 && message->size >= length) {
            /* The client must not send more before the server answers (RFC 8446 §5.1). */
            if (message->size > length)
                return -EBADMSG;
            return CLIENT_HELLO_WHOLE;
        }
    }
    return CLIENT_HELLO_UNFINISHED;
}

/* RFC 6066 §3: a list of names of different types. Only host names exist, and only one is allowed.
 */
static int read_server_name(Reader r, ClientHello *hello)
{
    Reader list = take_vector(&r, 2);
    size_t type = take_number(&list, 1);
    Reader name = take_vector(&list, 2);

    if (r.failed || r.size > 0 || list.failed || list.size > 0 || type != NAME_TYPE_HOST)
        return -EBADMSG;
    if (name.size == 0 || name.size > DNS_NAME_MAX || memchr(name.data, '\0', name.size))
        return 0;
    memcpy(hello->server_name, name.data, name.size);
    hello->server_name[name.size] = '\0';
    dns_name_fold(hello->server_name);
    if (!dns_name_is_valid(hello->server_name) || hello->server_name[0] == '*')
        hello->server_name[0] = '\0';
    return 0;
}

/* RFC 7301 §3.1 */
static int read_protocols(Reader r, ClientHello *hello)
{
    static const char wanted[] = "acme-tls/1";
    Reader list = take_vector(&r, 2);
    bool is_wanted = true;
    size_t n = 0;

    while (list.size > 0 && !list.failed) {
        Reader protocol = take_vector(&list, 1);

        if (protocol.failed || protocol.size == 0)
            return -EBADMSG;
        is_wanted &= protocol.size == STRLEN("acme-tls/1") &&
                     memcmp(protocol.data, wanted, protocol.size) == 0;
        n++;
    }
    if (r.failed || r.size > 0 || list.failed || n == 0)
        return -EBADMSG;
    hello->is_validation = is_wanted && n == 1;
    return 0;
}

static const struct {
    size_t number;
    int (*read)(Reader r, ClientHello *hello);
} extensions[] = {
    { 0, read_server_name },
    { 16, read_protocols },
};

/* Each type may occur only once (RFC 8446 §4.2). */
static int read_extension(size_t number, Reader content, bool seen[], ClientHello *hello)
{
    for (size_t i = 0; i < ELEMENTSOF(extensions); i++) {
        if (extensions[i].number != number)
            continue;
        if (seen[i])
            return -EBADMSG;
        seen[i] = true;
        return extensions[i].read(content, hello);
    }
    return 0;
}

static int read_extensions(Reader r, ClientHello *hello)
{
    bool seen[ELEMENTSOF(extensions)] = { false };

    while (r.size > 0 && !r.failed) {
        size_t number = take_number(&r, 2);
        Reader content = take_vector(&r, 2);
        int e = r.failed ? -EBADMSG : read_extension(number, content, seen, hello);

        if (e < 0)
            return e;
    }
    return r.failed ? -EBADMSG : 0;
}

static int read_hello(Reader r, ClientHello *hello)
{
    Reader session, suites, compressions, all;

    (void)take(&r, MESSAGE_HEADER_SIZE);
    (void)take_number(&r, 2); /* the version */
    (void)take(&r, RANDOM_SIZE);
    session = take_vector(&r, 1);
    suites = take_vector(&r, 2);
    compressions = take_vector(&r, 1);
    if (r.failed || session.size > SESSION_ID_SIZE_MAX || suites.size == 0 ||
        suites.size % 2 != 0 || compressions.size == 0)
        return -EBADMSG;
    if (r.size == 0)
        return 0; /* before TLS 1.2 extensions are optional */
    all = take_vector(&r, 2);
    return r.failed || r.size > 0 ? -EBADMSG : read_extensions(all, hello);
}

/* @message: empty */
static int receive(const uint8_t *data, size_t size, Message *message)
{
    int r = collect((Reader){ .data = data, .size = size }, message);

    return r == CLIENT_HELLO_UNFINISHED && size >= CLIENT_HELLO_SIZE_MAX ? -EFBIG : r;
}

int client_hello_measure(const uint8_t *data, size_t size)
{
    Message message;

    message.size = 0;
    return receive(data, size, &message);
}

int client_hello_parse(const uint8_t *data, size_t size, ClientHello *ret)
{
    Message message;
    ClientHello hello = { .server_name = "" };
    int r;

    message.size = 0;
    r = receive(data, size, &message);
    if (r != CLIENT_HELLO_WHOLE)
        return r;
    r = read_hello((Reader){ .data = message.data, .size = message.size }, &hello);
    if (r < 0)
        return r;
    *ret = hello;
    return CLIENT_HELLO_WHOLE;
}
