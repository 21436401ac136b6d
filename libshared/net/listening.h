/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Where the processes of this machine listen. */

#include "net/address.h"

/* Whether a process in this network namespace listens at @address, or at all addresses of its
 * family (proc(5), /proc/net/tcp); for a unix socket: whether there is one. Returns 1, 0, or
 * -errno: unknown. */
int listening_at(const ListenAddress *address);
