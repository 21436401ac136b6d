/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first bytes of a connection from a front server. */

#include "admission/proxy-header.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is written is read back. */
static void check_write(const SocketAddress *client)
{
    uint8_t header[PROXY_HEADER_WRITE_MAX];
    size_t size = proxy_header_write(client, client, header);
    SocketAddress again;

    if (proxy_header_read(header, size, &again) != (int)size ||
        (client->sa.sa_family != AF_UNSPEC && !socket_address_equal(client, &again)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SocketAddress client, again;
    int r = proxy_header_read(data, size, &client);

    if (r > 0) {
        if ((size_t)r > size || (size_t)r > PROXY_HEADER_SIZE_MAX)
            abort();
        /* What follows the header has no influence. */
        if (proxy_header_read(data, (size_t)r, &again) != r ||
            again.sa.sa_family != client.sa.sa_family)
            abort();
        if (proxy_header_read(data, (size_t)r - 1, &again) != 0)
            abort();
        check_write(&client);
    } else if (r == 0 ? size >= PROXY_HEADER_SIZE_MAX : r != -EBADMSG)
        abort();
    return 0;
}
