/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Protects the processes of a user from one of them that a client took over. The sandbox of the
 * service manager is the same for all processes of a service; this separates them from each other.
 */

/* Keeps the keys in the memory of this process and its children: denies other processes of the user
 * ptrace(2) and /proc/PID/mem, disables core dumps, and excludes all memory from one that is made
 * nevertheless (core(5)). */
void confine_memory(void);

/* The sockets that a process can create, and connect. (Messages to the journal always work.) */
typedef enum Outbound {
    OUTBOUND_NONE, /* it connects no socket */
    OUTBOUND_UNIX, /* it creates unix sockets only; a socket that it has could still be connected */
    OUTBOUND_ANY,  /* internet sockets, and unix sockets for datagrams */
} Outbound;

/**
 * confine_connection() - permit only the system calls that serving one connection needs
 *
 * The process can read and write its descriptors, read the files that its user may, create the
 * sockets of @outbound, and use its own memory and the clock. It cannot start processes or
 * programs, change files, or access other processes: by signals (kill(2), F_SETOWN of fcntl(2)),
 * memory and descriptors (ptrace(2), process_vm_readv(2), pidfd_getfd(2)), limits and priorities
 * (prlimit(2), sched_setaffinity(2)).
 *
 * A call that is not in the list fails with ENOSYS, as on a kernel that does not have it: newer
 * libraries try an older call then. A call in the list with an argument that is not permitted
 * fails with EPERM. Neither ends the process: a call that a new library makes in vain must not end
 * every connection, and a process that a client took over gains nothing from the error.
 *
 * Cannot be undone. The caller ends the process if this fails. Returns 0; -EOPNOTSUPP on an unknown
 * architecture; -EINVAL if the kernel has no seccomp(2) filters; other -errno.
 *
 * A build with sanitizers also permits what the leak checker needs: it is another process that
 * stops this one.
 */
int confine_connection(Outbound outbound);

/* Drops the ability to connect, and to create sockets that could: for a process that has all its
 * connections. Call it after confine_connection(); same errors. */
int confine_network(void);

/* For the process that accepts connections: its listening sockets keep the network namespace in
 * which they were made, and a socket that has listened can be connected by sendto(2) with
 * MSG_FASTOPEN, for which connect(2) is not called. Denies that flag, to its children too. Errors
 * as above. */
int confine_listener(void);
