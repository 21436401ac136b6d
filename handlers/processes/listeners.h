/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The listening sockets of a server. */

#include <poll.h>

#include "log/shortage.h"
#include "net/address.h"
#include "processes/activation.h"

typedef struct Listeners {
    Activation *sockets;
    Shortage shortage;
} Listeners;

/* Makes the sockets non-blocking. @sockets: borrowed. Returns 0 or -errno. */
int listeners_init(Listeners *listeners, Activation *sockets);

void listeners_close(Listeners *listeners);

/* Fills @polls, which has room for all sockets: one entry for each, in their order; none during a
 * shortage of what a connection needs. Returns their number. */
size_t listeners_poll(Listeners *listeners, struct pollfd *polls);

/**
 * listeners_accept() - accept a connection
 * @i: the socket
 * @ret: the address of the peer
 *
 * Returns its descriptor; -EAGAIN: there is no connection, or a shortage began; other -errno: this
 * one failed (accept(2)), and the next one may be good.
 */
int listeners_accept(Listeners *listeners, size_t i, SocketAddress *ret);
