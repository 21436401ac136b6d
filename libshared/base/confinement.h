/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Protects the processes of a user from one of them that a client took over. The sandbox of the
 * service manager is the same for all processes of a service; this separates them from each other.
 */

/* Denies other processes of the user ptrace(2) and /proc/PID/mem on this process and its children,
 * and disables core dumps. */
void confine_memory(void);

/**
 * confine_connection() - drop what serving one connection does not need
 *
 * Drops the ability to start processes or programs, and to access other processes: by signals
 * (kill(2), F_SETOWN of fcntl(2)), memory and descriptors (ptrace(2), process_vm_readv(2),
 * pidfd_getfd(2)), limits and priorities (prlimit(2), sched_setaffinity(2)). Such calls fail with
 * EPERM. Cannot be undone. Returns 0; -EOPNOTSUPP on an unknown architecture; -EINVAL if the kernel
 * has no seccomp(2) filters; other -errno.
 *
 * Does nothing in a build with sanitizers, like confine_memory(): their leak checker is another
 * process that stops this one.
 */
int confine_connection(void);

/* Drops the ability to connect, and to create sockets that could: for a process that has all its
 * connections. Call it after confine_connection(); same errors. */
int confine_network(void);
