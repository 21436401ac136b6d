/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Drop-ins and units that make acmems-mgmt.socket and the sockets of the challenge handlers listen
 * at the addresses of the configuration. */

#include "config/config.h"
#include "generator/unit-file.h"

/**
 * socket_units_write() - write drop-ins for the sockets, and units for further interfaces
 *
 * BindToDevice= applies to all addresses of a unit. So the drop-in has the addresses without an
 * interface (or, if each address has one, those of the first interface). Each further interface
 * gets a unit of its own, acmems-http01-eth0.socket, that starts and stops with the main socket.
 * Without a listener no file is written: systemd refuses a socket unit that has no address.
 *
 * Returns 0 or -errno.
 */
int socket_units_write(const UnitDirectory *where, const Config *config);
