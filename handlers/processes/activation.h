/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Takes over and verifies the sockets that systemd, inetd or systemd-socket-activate passes. */

#include <stddef.h>

typedef enum ActivationKind {
    ACTIVATION_LISTENING, /* any number of listening stream sockets */
    ACTIVATION_CONNECTED, /* exactly one connected stream socket */
} ActivationKind;

typedef struct Activation {
    ActivationKind kind;
    int *fds;
    size_t n_fds;
} Activation;

/**
 * activation_take() - take over the sockets of LISTEN_FDS, or standard input for inetd
 * @ret: the sockets, now close-on-exec; activation_done()
 * @ret_what: set on failure to what is wrong, in words (static), or NULL
 *
 * Each must be a stream socket (TCP over IPv4 or IPv6, or unix). Either all of them listen, or
 * there is exactly one and it is connected. With inetd the socket on standard input moves to a new
 * descriptor, and /dev/null takes its place (and that of standard output where it is the same
 * socket). A listening socket on standard input ("wait") counts as listening.
 *
 * Returns 0; -ENOTSOCK when no socket was passed; -EINVAL for a descriptor of another kind; other
 * -errno.
 */
int activation_take(Activation *ret, const char **ret_what);
void activation_done(Activation *activation); /* closes all sockets */
