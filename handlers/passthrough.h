/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is no validation goes to the real TLS server behind, untouched. */

#include "address.h"
#include "stop.h"

typedef struct PassthroughTarget {
    SocketAddress address;
    socklen_t size; /* 0: there is none */
    const char *text;
} PassthroughTarget;

/* "127.0.0.1:8443", "[2001:db8::1]:8443"; borrowed. 0, -EINVAL, -ENOMEM. */
int passthrough_target_parse(const char *text, PassthroughTarget *ret);

/* Connects there, sends what was read of the client, and passes on until the connection ends. What
 * goes wrong on the other side is logged. */
void passthrough_serve(int fd, const PassthroughTarget *target, const void *received, size_t size,
                       Stop *stop);
