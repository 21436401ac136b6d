/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A Varlink service on sd-event: JSON objects, each terminated by a NUL byte, on a unix stream
 * socket. One call at a time on a connection. org.varlink.service is included. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "varlink-peer.h"

#define VARLINK_CONNECTIONS_MAX 4096U

typedef struct VarlinkServer VarlinkServer;
typedef struct VarlinkCall VarlinkCall;

typedef struct VarlinkMethod {
    const char *name; /* full: "io.acmems.Orders.Request" */
    /* Must answer with varlink_reply() or varlink_error(), now or later. */
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
 *      file may call; other peers get the error PermissionDenied and are disconnected.
 * @frame_max: largest call, bytes; a larger one ends its connection
 * @userdata: passed to the methods of @interface
 */
int varlink_server_new(sd_event *event, int fd, const VarlinkInterface *interface, size_t frame_max,
                       void *userdata, VarlinkServer **ret);
VarlinkServer *
varlink_server_free(VarlinkServer *server); /* closes all connections; always returns NULL */

bool varlink_server_is_idle(const VarlinkServer *server); /* no peer is connected */

/**
 * varlink_server_close() - accept no more connections and no more calls
 * @idle: called when the last connection ends, possibly from within: all open calls are answered
 *        then, and the peers have the answers; or NULL
 */
void varlink_server_close(VarlinkServer *server, void (*idle)(void *userdata), void *userdata);

/* Both send the answer at once, as far as the peer's socket has room, and end the call, which is
 * invalid then. @parameters is taken over; NULL: out of memory. */
void varlink_reply(VarlinkCall *call, json_t *parameters);
void varlink_error(VarlinkCall *call, const char *error, json_t *parameters);

/* The process that called. Borrowed, valid as long as the call. */
const VarlinkPeer *varlink_call_peer(const VarlinkCall *call);

/* Sets what is called if the peer disconnects before the answer. The call is invalid then. */
void varlink_call_set_gone(VarlinkCall *call, void (*gone)(void *userdata), void *userdata);

DEFINE_CLEANUP_FUNC(VarlinkServer *, varlink_server_free)
