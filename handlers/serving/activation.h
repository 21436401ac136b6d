/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What systemd, inetd or systemd-socket-activate handed over: taken and verified. */

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
 * activation_take() - the sockets of LISTEN_FDS, else standard input for inetd
 *
 * Each must be a stream socket (TCP over IPv4 or IPv6, or unix); all listening, or just one
 * connected. They are made close-on-exec. For inetd standard input is moved to a descriptor of its
 * own and /dev/null put in its place (and in place of standard output where that is the same
 * socket). A listening socket on standard input ("wait") counts as listening.
 *
 * Returns 0; -ENOTSOCK with nothing handed over; -EINVAL for a descriptor of another kind; other
 * -errno. *ret_what says in words which was wrong (static or NULL).
 */
int activation_take(Activation *ret, const char **ret_what);
void activation_done(Activation *activation); /* closes all */
