/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The daemon itself: its event loop, its signals, and what it does on a reload and at its end. */

/**
 * daemon_run() - serve until a signal ends it
 * @config_path: path of acmems.ini
 * @listener: the listening socket that the service manager passed, taken over; negative: there is
 *            none, and orderd.sock is made in the runtime directory
 *
 * A configuration that is not valid at the start is waited for where a socket was passed. Returns 0
 * or -errno: what is wrong was logged.
 */
int daemon_run(const char *config_path, int listener);
