/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A TCP connection to a DNS server that many messages share (RFC 7766): each has a length prefix of
 * two bytes, and answers come in any order. */

#include <systemd/sd-event.h>

#include "config/dns-server.h"

typedef struct DnsConnection DnsConnection;

/* A complete message came. If it has more than DNS_MESSAGE_SIZE_MAX bytes, only its header is
 * valid: the rest was skipped, so that the next message can be read. */
typedef void (*dns_connection_message_cb)(DnsConnection *connection, const uint8_t *wire,
                                          size_t size, void *userdata);

/* No more messages will come. @error: -ECONNRESET: the server closed the connection; -EBADMSG: it
 * sent something that is no message, or more than was requested; other -errno. The caller must
 * still free the connection. */
typedef void (*dns_connection_end_cb)(DnsConnection *connection, int error, void *userdata);

/* Connects in the background. No callback comes before this function returns. 0, or -errno if the
 * connection cannot be started. */
int dns_connection_new(sd_event *event, const DnsServer *server,
                       dns_connection_message_cb on_message, dns_connection_end_cb on_end,
                       void *userdata, DnsConnection **ret);
/* May be called from the callbacks. Always returns NULL. */
DnsConnection *dns_connection_free(DnsConnection *connection);

/* Queues a message. 0; -ENOMEM; -EINVAL: it has more than DNS_MESSAGE_SIZE_MAX bytes. */
int dns_connection_send(DnsConnection *connection, const uint8_t *wire, size_t size);

/* Whether the connection is established. */
bool dns_connection_is_made(const DnsConnection *connection);
