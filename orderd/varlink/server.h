/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A Varlink service on sd-event: JSON objects, each terminated by a NUL byte, on a unix stream
 * socket. */

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "varlink/interface.h"

typedef struct VarlinkServer VarlinkServer;

/**
 * varlink_server_new() - serve an interface on a listening socket
 * @fd: taken over, made non-blocking. Root, the user of this process and the group of the socket's
 *      file may call; other peers get the error PermissionDenied and are disconnected.
 * @userdata: passed to the functions of @interface
 *
 * The limits are those of varlink/limits.h. When incoming calls exceed theirs, the connection ends
 * that uses the most of it.
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

DEFINE_CLEANUP_FUNC(VarlinkServer *, varlink_server_free)
