/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A service of systemd that runs now: its sandbox is the one of its start. */

/* Returns the root directory of a process of @unit as a path, "/proc/PID/root"; free(). NULL: no
 * process runs, the caller is not root, or out of memory. */
char *running_service_root(const char *unit);
