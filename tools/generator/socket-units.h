/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What makes acmems-mgmt.socket and those of the handlers of challenges listen where the
 * configuration says. */

#include "config/config.h"
#include "generator/unit-file.h"

/**
 * socket_units_write() - drop-ins for the sockets, and units for what one socket cannot hold
 *
 * BindToDevice= holds for all addresses of a unit. So the addresses with no interface (or, where
 * each has one, those with the first) go into the drop-in; each further interface gets a unit of
 * its own, acmems-http01-eth0.socket, that comes and goes with the one it is named after. No
 * listener, no file: systemd refuses a socket that listens on nothing.
 *
 * Returns 0 or -errno.
 */
int socket_units_write(const UnitDirectory *where, const Config *config);
