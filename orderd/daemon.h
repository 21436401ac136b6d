/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The daemon: event loop, signals, reload, and end. */

/**
 * daemon_run() - serve until a signal ends it
 * @config_path: path of acmems.ini
 * @listener: listening socket that the service manager passed, taken over; negative: none, and
 *            orderd.sock is created in the runtime directory
 *
 * If the configuration is not valid at the start, waits for a valid one where a socket was passed,
 * and fails otherwise. Returns 0 or -errno, logged.
 */
int daemon_run(const char *config_path, int listener);
