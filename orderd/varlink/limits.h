/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What peers may use of a Varlink service. An attacker may control a peer, so no user is exempt;
 * root needs no more. */

#include "base/clock.h"

/* Half of the descriptors, if that is less: the others are for files and for the CA. */
#define VARLINK_CONNECTIONS_MAX 4096U
/* Of one user: this part of all. Users that have no mapping in the user namespace of this process
 * count as one. */
#define VARLINK_CONNECTIONS_USER_PART 2
/* Of one process: acmems-sign has one process for each of its clients, and each of them needs one
 * connection. */
#define VARLINK_CONNECTIONS_PER_PROCESS 4U

/* Bytes of calls that are incomplete or wait, and of answers that are not sent, each over all
 * connections: what is sent to the service takes no room from its answers. */
#define VARLINK_INCOMING_MAX ((size_t)48 * 1024 * 1024)
#define VARLINK_OUTGOING_MAX ((size_t)16 * 1024 * 1024)

/* A connection may be without an open call for so long: until a call is complete, and until the
 * peer has read the answer. */
#define VARLINK_QUIET_MAX (10 * USEC_PER_SEC)
