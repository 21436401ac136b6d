/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One connection of a Varlink service: one call at a time. Calls behind it wait, first here, then
 * in the kernel. */

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "varlink/frames.h"
#include "varlink/interface.h"

typedef struct VarlinkConnection VarlinkConnection;

/* What all connections of a server have in common. */
typedef struct VarlinkShared {
    sd_event *event;
    const VarlinkInterface *interface;
    void *userdata;    /* of the interface's functions */
    size_t frame_max;  /* the last result of interface->get_frame_max() */
    size_t n_incoming; /* bytes allocated for calls that are incomplete or wait */
    size_t n_outgoing; /* bytes of answers that are not sent */
    bool is_closing;   /* no more calls are accepted */
    void *owner;       /* of the following */
    /* Must answer the call of @method. */
    void (*run)(VarlinkCall *call, const char *method, const json_t *parameters, void *owner);
    /* Calls need too much memory: must end some. */
    void (*full)(void *owner);
    /* Whether to log an entry about a peer now. */
    bool (*may_log)(void *owner);
    /* The connection has ended and is freed next. */
    void (*ended)(VarlinkConnection *c, void *owner);
} VarlinkShared;

struct VarlinkConnection {
    VarlinkShared *shared;
    LIST_ENTRY(VarlinkConnection) list; /* of the server */
    sd_event_source *io;
    int fd;
    bool is_aborted;
    VarlinkPeer peer;
    usec_t quiet_since; /* while there is no open call */
    Frames in;
    char *out;
    size_t n_out, n_sent;
    VarlinkCall *call; /* NULL: none is open */
};

/* Serves the socket @fd. Takes @fd and @peer over, if it succeeds. 0 or -errno. */
int varlink_connection_new(VarlinkShared *shared, int fd, VarlinkPeer *peer,
                           VarlinkConnection **ret);
void varlink_connection_free(VarlinkConnection *c);

/* Discards the input and ends the connection, which the event loop frees. So it may be called while
 * the connection is in use. */
void varlink_connection_abort(VarlinkConnection *c);

/* Whether the last call is answered and its answer is sent. */
bool varlink_connection_is_free(const VarlinkConnection *c);
