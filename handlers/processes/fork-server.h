/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A server on listening sockets that forks one process per connection. */

#include "admission/waiting-room.h"
#include "base/clock.h"
#include "base/confinement.h"
#include "policy/source.h"
#include "processes/activation.h"

typedef struct ForkServer {
    Activation *activation;
    usec_t idle_timeout;   /* exit after this time without a connection or child; USEC_INFINITY:
                              never */
    unsigned children_max; /* at this number, connections wait for their turn */
    unsigned source_max;   /* the same for the connections of one source; 0: children_max */
    usec_t lifetime;       /* kill a child that is older: it has overrun its own deadlines;
                              USEC_INFINITY: never */
    /* Called in the parent, with bytes of a client: as in TurnRules. */
    bool (*identify)(int fd, Source *source, void *userdata);
    bool (*has_arrived)(int fd, void *userdata);
    /* Called in the parent before each fork, so that children inherit the current state. May be
     * NULL. */
    void (*prepare)(void *userdata);
    /* Called in the child, which exits when it returns. SIGTERM is blocked there, and the process
     * is confined (confine_connection()); if that fails, the connection is closed instead. */
    void (*serve)(int fd, void *userdata);
    /* Called in the parent: as in waiting_room_init(). */
    TurnAway *crowded, *late;
    void *userdata;
    Outbound outbound; /* sockets that serve() needs */
} ForkServer;

#define FORK_SERVER_IDLE_TIMEOUT (60 * USEC_PER_SEC)
#define FORK_SERVER_CHILDREN_MAX 1024U

/* Parse the values of --idle-timeout (s, 0: never), and of --children-max and --source-max (1 to
 * 65536). Return 0, -EINVAL or -ERANGE. */
int fork_server_parse_idle_timeout(const char *text, usec_t *ret);
int fork_server_parse_children_max(const char *text, unsigned *ret);

/* The limit for one source where none is set: a quarter. At least 1. */
unsigned fork_server_source_max(unsigned children_max);

/**
 * fork_server_run() - serve until idle, SIGTERM or SIGINT
 *
 * With a connected socket it calls prepare() and serve() in this process. With listening sockets it
 * accepts, forks and serves. On SIGTERM or SIGINT it accepts no more, sends SIGTERM to the children
 * (which end after the current request) and waits for them.
 *
 * It accepts at once whatever comes, so that the connections of one source never hide those of
 * others in the kernel's queue. A connection gets a process when its request has arrived, so that a
 * slow client costs a descriptor and no more. Connections above a limit wait for their turn
 * (admission/turns.h): a free place goes to the source that has the fewest. One is turned away
 * after TURNS_WAIT_MAX, without a request after TURNS_REQUEST_MAX, or if too many wait, and closed
 * if its client leaves, or sends nothing for TURNS_SILENT_MAX. An eighth of the places is left for
 * sources of which no connection is served. When the machine is short of descriptors, memory or
 * processes, it logs this once for each shortage and tries again; all deadlines and signals count
 * meanwhile.
 *
 * A process that a client may have taken over stays isolated: no child can reach another process,
 * and none outlives @lifetime. (With a connected socket the service manager must limit the
 * lifetime.)
 *
 * Returns 0 or -errno.
 */
int fork_server_run(const ForkServer *server);
