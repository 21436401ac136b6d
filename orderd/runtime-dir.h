/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What orderd has in the runtime directory: its socket, and the challenge files. */

#include "config/config.h"

/* Takes and verifies the listening unix socket that the service manager passed. 1; 0: it passed
 * none, and @ret is negative; -errno: what is wrong was logged. */
int runtime_inherited_socket(int *ret);

/* Binds orderd.sock in the runtime directory, in place of one that a process left which is not
 * there any more. A descriptor, or -errno: what is wrong was logged. */
int runtime_bind_socket(const Config *config);

/* The directory of the challenge files of this kind ("http-01"), made where it is missing. A
 * descriptor, or -errno: what is wrong was logged. */
int runtime_open_challenges(const Config *config, const char *kind);

/* Removes all that is in it: for when no order is in flight, and what is there is of a former life.
 */
void runtime_sweep_challenges(int fd);
