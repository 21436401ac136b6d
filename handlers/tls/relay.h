/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Joins two connections: forwards the bytes of each to the other, unchanged. */

#include "serving/stop.h"

typedef struct RelayLimits {
    usec_t idle_timeout;      /* end when no data was forwarded for this time */
    usec_t half_idle_timeout; /* the same once one side has sent its end of file */
    Stop *stop;               /* ends it within its own limits after SIGTERM */
} RelayLimits;

/**
 * relay_run() - forward until both sides have sent their end of file
 * @a, @b: connected stream sockets, borrowed; they become non-blocking
 *
 * Forwards the end of one direction while the other direction goes on. SIGPIPE must be ignored.
 * Returns 0; -ETIMEDOUT at a limit; -errno, such as -ECONNRESET.
 */
int relay_run(int a, int b, const RelayLimits *limits);
