/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Drop-ins and units that make acmems-mgmt.socket and the sockets of the challenge handlers listen
 * at the addresses of the configuration. */

#include "config/config.h"
#include "generator/unit-file.h"

/**
 * socket_units_write() - write drop-ins for the sockets, and units for further addresses
 *
 * systemd opens all addresses of a unit or none of them. So the drop-in has one address, the first
 * of the configuration that has no interface, or else the first one, and each further address gets
 * a unit of its own, acmems-http01-192.0.2.1:80.socket, that starts and stops with the main socket.
 * That of a unix socket is acmems-http01.unix-PATH.socket.
 * The other addresses do not change the name of a unit or its address, but for a first one without
 * an interface. Without a listener no file
 * is written: systemd refuses a socket unit that has no address.
 *
 * Returns 0 or -errno.
 */
int socket_units_write(const UnitDirectory *where, const Config *config);
