/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Listening sockets, one process per connection. */

#include "base/clock.h"
#include "serving/activation.h"

typedef struct ForkServer {
    Activation *activation;
    usec_t idle_timeout;   /* exit after that long without a connection or child; USEC_INFINITY:
                              never */
    unsigned children_max; /* at so many no more are accepted: the kernel queues */
    usec_t lifetime;       /* a child that is older is killed: it goes on past its own deadlines;
                              USEC_INFINITY: none is */
    /* Called in the parent before each fork, so that children inherit what is current. May be NULL.
     */
    void (*prepare)(void *userdata);
    /* Called in the child, which exits after it. SIGTERM is blocked there, and the process is
     * confined (confine_connection()). */
    void (*serve)(int fd, void *userdata);
    void *userdata;
} ForkServer;

#define FORK_SERVER_IDLE_TIMEOUT (60 * USEC_PER_SEC)
#define FORK_SERVER_CHILDREN_MAX 1024U

/* The values of --idle-timeout (s, 0: never) and --children-max (1 to 65536) as all handlers take
 * them. 0, -EINVAL or -ERANGE. */
int fork_server_parse_idle_timeout(const char *text, usec_t *ret);
int fork_server_parse_children_max(const char *text, unsigned *ret);

/**
 * fork_server_run() - serve until idle, SIGTERM or SIGINT
 *
 * With a connected socket: prepare() and serve() it in this process. With listening ones: accept,
 * fork, serve. On SIGTERM or SIGINT accepts no more, passes SIGTERM on to the children (which end
 * after the request in hand) and waits for them. Never accepts what it could not serve; where the
 * machine lacks descriptors, memory or processes it waits for them, and says so once. Returns 0
 * or -errno.
 *
 * What a client may have taken over is kept to itself: no child reaches another process, and none
 * outlives @lifetime. (With a connected socket the service manager has to see to that.)
 */
int fork_server_run(const ForkServer *server);
