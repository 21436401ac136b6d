/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Has a request arrived? Then a process can serve the connection without waiting for a slow client.
 * Only the ends of lines are searched: a process that accepts connections must not parse what their
 * clients choose. */

#include "admission/front-server.h"

/**
 * http_has_arrived() - as TurnRules.has_arrived does
 * @fd: connected stream socket; nothing is taken from it
 *
 * Returns whether the head of a request has arrived, behind the PROXY header of a front server, or
 * so much that there can be none: a request line without a version, or more than
 * HTTP_HEAD_SIZE_MAX. Does not wait.
 */
bool http_has_arrived(const FrontServers *servers, int fd);
