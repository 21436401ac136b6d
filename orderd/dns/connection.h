/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A TCP connection to a DNS server that many messages share (RFC 7766): each has two bytes of
 * length in front, answers come in any order. */

#include <systemd/sd-event.h>

#include "config/dns-server.h"

typedef struct DnsConnection DnsConnection;

/* A whole message came. Of one with more than DNS_MESSAGE_SIZE_MAX bytes only the header is there:
 * it is passed over, so that those beside it get theirs. */
typedef void (*dns_connection_message_cb)(DnsConnection *connection, const uint8_t *wire,
                                          size_t size, void *userdata);

/* No more will come: -errno, -ECONNRESET when the server closed it; -EBADMSG when it said more than
 * it was asked, or what is no message. The connection is still to be freed. */
typedef void (*dns_connection_end_cb)(DnsConnection *connection, int error, void *userdata);

/* Connects, in the background. Neither callback comes before this returns. 0, or -errno where it
 * cannot even be tried. */
int dns_connection_new(sd_event *event, const DnsServer *server,
                       dns_connection_message_cb on_message, dns_connection_end_cb on_end,
                       void *userdata, DnsConnection **ret);
/* From the callbacks too. Always returns NULL. */
DnsConnection *dns_connection_free(DnsConnection *connection);

/* Sends it as soon as the server takes it. 0, -ENOMEM; -EINVAL past DNS_MESSAGE_SIZE_MAX. */
int dns_connection_send(DnsConnection *connection, const uint8_t *wire, size_t size);

/* Whether the server is there. */
bool dns_connection_is_made(const DnsConnection *connection);
