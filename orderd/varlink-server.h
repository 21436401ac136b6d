/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A Varlink service on sd-event: JSON objects, each ended by a NUL byte, on a unix stream socket.
 * One call at a time on a connection; org.varlink.service answers by itself. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "varlink-peer.h"

#define VARLINK_CONNECTIONS_MAX 4096U

typedef struct VarlinkServer VarlinkServer;
typedef struct VarlinkCall VarlinkCall;

typedef struct VarlinkMethod {
    const char *name; /* with the interface: "io.acmems.Orders.Request" */
    /* Answers with varlink_reply() or varlink_error(), now or later. */
    void (*call)(VarlinkCall *call, const json_t *parameters, void *userdata);
} VarlinkMethod;

typedef struct VarlinkInterface {
    const char *name;
    const char *description; /* content of the .varlink file */
    const VarlinkMethod *methods;
    size_t n_methods;
} VarlinkInterface;

/**
 * varlink_server_new() - serve an interface on a listening socket
 * @fd: taken over, made non-blocking. Root, the user of this process and the group of the socket's
 *      file may call; other peers are disconnected.
 * @frame_max: largest call, bytes; a longer one ends its connection
 */
int varlink_server_new(sd_event *event, int fd, const VarlinkInterface *interface, size_t frame_max,
                       void *userdata, VarlinkServer **ret);
VarlinkServer *
varlink_server_free(VarlinkServer *server); /* ends all connections; always returns NULL */

bool varlink_server_is_idle(const VarlinkServer *server); /* nobody is connected */

/**
 * varlink_server_close() - accept no more connections and take no more calls
 * @idle: called, maybe from here, when the last connection ends: the open calls are answered then,
 *        and the callers have the answers; or NULL
 */
void varlink_server_close(VarlinkServer *server, void (*idle)(void *userdata), void *userdata);

/* Both send the answer at once, as far as the caller's socket takes it, and end the call: it is not
 * valid any more. @parameters is taken over, NULL: out of memory. */
void varlink_reply(VarlinkCall *call, json_t *parameters);
void varlink_error(VarlinkCall *call, const char *error, json_t *parameters);

/* The process that called. Borrowed, valid as long as the call. */
const VarlinkPeer *varlink_call_peer(const VarlinkCall *call);

/* A note the method keeps with its call, and what is told when the caller goes away before the
 * answer (the call is not valid any more then). */
void varlink_call_set_gone(VarlinkCall *call, void (*gone)(void *userdata), void *userdata);

DEFINE_CLEANUP_FUNC(VarlinkServer *, varlink_server_free)
