/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Two connections made one: what comes in on either goes out on the other, untouched. */

#include "serving/stop.h"

typedef struct RelayLimits {
    usec_t idle_timeout;      /* it ends when nothing was passed on for so long, … */
    usec_t half_idle_timeout; /* … or for so long once one side has said its end */
    Stop *stop;               /* and within what this says once it came */
} RelayLimits;

/**
 * relay_run() - pass on until both sides have said that nothing more comes
 * @a, @b: connected stream sockets, borrowed; they are made non-blocking
 *
 * The end of one direction is passed on while the other goes on. SIGPIPE has to be ignored. 0;
 * -ETIMEDOUT at a limit; -errno, -ECONNRESET among them.
 */
int relay_run(int a, int b, const RelayLimits *limits);
