/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What orderd has in the runtime directory: its socket, and the challenge files. */

#include "config.h"

/* The listening socket that the service manager handed over; without one, orderd.sock is bound, in
 * place of one that a process left which is not there any more. A descriptor, or -errno: what is
 * wrong was logged. */
int runtime_open_socket(const Config *config);

/* The directory of the http-01 challenge files, made where it is missing. Those of a former life
 * are removed: no order uses them any more. A descriptor, or -errno: what is wrong was logged. */
int runtime_open_challenges(const Config *config);
