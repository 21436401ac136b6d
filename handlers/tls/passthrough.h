/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Forwards a connection that is not a validation to the real TLS server behind, unchanged. */

#include "log/log-throttle.h"
#include "net/address.h"
#include "serving/stop.h"

typedef struct Passthrough {
    SocketAddress address;
    socklen_t size; /* 0: there is no passthrough */
    const char *text;
    bool proxy_protocol; /* tell the server the client's address in a PROXY header */
    LogThrottle *failures;
} Passthrough;

/* @text: "127.0.0.1:8443", "[2001:db8::1]:8443"; borrowed until passthrough_close(). Returns 0,
 * -EINVAL or -ENOMEM. */
int passthrough_open(const char *text, Passthrough *ret);

/* Logs the failures that no entry has reported yet, and releases the rest. */
void passthrough_close(Passthrough *passthrough);

/* Connects to @target, sends a PROXY header if it expects one and the @size bytes already received
 * from the client, and forwards until the connection ends. Logs when the server behind cannot be
 * reached, at a limited rate. SIGPIPE must be ignored. */
void passthrough_serve(int fd, const Passthrough *target, const void *received, size_t size,
                       Stop *stop);
