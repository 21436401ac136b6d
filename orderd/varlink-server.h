/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A Varlink service on sd-event: JSON objects, each terminated by a NUL byte, on a unix stream
 * socket. One call at a time on a connection. org.varlink.service is included. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/macro.h"
#include "varlink-peer.h"

#define VARLINK_CONNECTIONS_MAX 4096U
/* Of one user, so that no user takes all of them. Users that have no mapping in the user namespace
 * of this process count as one. No user is exempt: root needs no more. */
#define VARLINK_CONNECTIONS_PER_USER (VARLINK_CONNECTIONS_MAX / 2)
/* Bytes of calls that are incomplete and of answers that are not sent, over all connections. */
#define VARLINK_BUFFERED_MAX ((size_t)64 * 1024 * 1024)
/* A connection may be without an open call for so long: until a call is complete, and until the
 * peer has read the answer. */
#define VARLINK_QUIET_MAX (10 * USEC_PER_SEC)

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
    const char *busy; /* the error that a peer gets which has too many connections: a frame */
    /* The size of the largest call, bytes; a larger one ends its connection. Called often: it may
     * change. */
    size_t (*get_frame_max)(void *userdata);
} VarlinkInterface;

/**
 * varlink_server_new() - serve an interface on a listening socket
 * @fd: taken over, made non-blocking. Root, the user of this process and the group of the socket's
 *      file may call; other peers get the error PermissionDenied and are disconnected.
 * @userdata: passed to the functions of @interface
 *
 * When VARLINK_BUFFERED_MAX is exceeded, the connection ends that uses the most of it.
 */
int varlink_server_new(sd_event *event, int fd, const VarlinkInterface *interface, void *userdata,
                       VarlinkServer **ret);
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
