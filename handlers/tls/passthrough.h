/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is no validation goes to the real TLS server behind, untouched. */

#include "base/address.h"
#include "serving/log-throttle.h"
#include "serving/stop.h"

typedef struct Passthrough {
    SocketAddress address;
    socklen_t size; /* 0: there is none */
    const char *text;
    LogThrottle *failures;
} Passthrough;

/* "127.0.0.1:8443", "[2001:db8::1]:8443"; borrowed. 0, -EINVAL, -ENOMEM. */
int passthrough_open(const char *text, Passthrough *ret);
void passthrough_close(Passthrough *passthrough);

/* Connects there, sends what was read of the client, and passes on until the connection ends. What
 * goes wrong on the other side is logged, of many connections now and then. */
void passthrough_serve(int fd, const Passthrough *target, const void *received, size_t size,
                       Stop *stop);
