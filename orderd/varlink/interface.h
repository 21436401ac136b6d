/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What a Varlink interface is made of, and how its methods answer a call. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "varlink/peer.h"

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

/* Both send the answer at once, as far as the peer's socket has room, and end the call, which is
 * invalid then. @parameters is taken over; NULL: out of memory. */
void varlink_reply(VarlinkCall *call, json_t *parameters);
void varlink_error(VarlinkCall *call, const char *error, json_t *parameters);

/* The process that called. Borrowed, valid as long as the call. */
const VarlinkPeer *varlink_call_peer(const VarlinkCall *call);

/* Sets what is called if the peer disconnects before the answer. The call is invalid then. */
void varlink_call_set_gone(VarlinkCall *call, void (*gone)(void *userdata), void *userdata);
