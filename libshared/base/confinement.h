/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What keeps a process that a client took over away from the others of its user. The service
 * manager's sandbox is the same for all processes of a service: what stands between them is here.
 */

/* Closes this process and all that it forks to ptrace(2) and /proc/PID/mem by others of its user,
 * and keeps it from dumping core. */
void confine_memory(void);

/**
 * confine_connection() - give up all that serving one connection does not need
 *
 * From here on this process starts no other process or program, and reaches none: neither by
 * signals (kill(2), F_SETOWN of fcntl(2)), nor by memory (ptrace(2), process_vm_readv(2),
 * pidfd_getfd(2)), nor by limits and priorities (prlimit(2), sched_setaffinity(2)). Such calls fail
 * with EPERM. Cannot be undone. Returns 0; -EINVAL where the kernel has no seccomp(2) filters;
 * -errno.
 *
 * The sanitizers' leak checker is a process of its own that stops this one: this and
 * confine_memory() do nothing in a build with it.
 */
int confine_connection(void);

/* Gives up to connect to anything, and to make sockets that could: for who has all that it needs.
 * After confine_connection(), with the same errors. */
int confine_network(void);
