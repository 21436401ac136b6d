/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The socket and the challenge directories of orderd in the runtime directory. */

#include "config/config.h"

/* Takes and verifies the listening unix socket that the service manager passed. Returns 1; 0 if it
 * passed none, and @ret is negative; -errno, logged. */
int runtime_inherited_socket(int *ret);

/* Binds orderd.sock in the runtime directory, and replaces one that a dead process left. Returns a
 * listening descriptor, or -errno, logged. */
int runtime_bind_socket(const Config *config);

/* Opens the directory of the challenge files of this kind ("http-01"), and creates it where it is
 * missing. Returns a descriptor, or -errno, logged. */
int runtime_open_challenges(const Config *config, const char *kind);
