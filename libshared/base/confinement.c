/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/confinement.h"

#include "base/macro.h"

#ifdef __SANITIZE_ADDRESS__

void confine_memory(void)
{
}

int confine_connection(void)
{
    return 0;
}

int confine_network(void)
{
    return 0;
}

#else

#include <asm/sockios.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define NUMBERS_END  0x40000000 /* the x32 system calls begin here */
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#endif

void confine_memory(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

#ifdef ARCHITECTURE

#ifndef NUMBERS_END
#define NUMBERS_END 0x7fffffff
#endif

/* seccomp(2), "Seccomp filters": each instruction tests the value loaded last. */
#define LOAD(field)       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action)    BPF_STMT(BPF_RET | BPF_K, (action))
#define UNLESS(value)     BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define REFUSE            RETURN(SECCOMP_RET_ERRNO | EPERM)
#define REFUSE_CALL(name) UNLESS(SYS_##name), REFUSE
/* Refuses a call with this second argument. Only its lower half counts, which comes first on these
 * architectures. */
#define REFUSE_COMMAND(name, command)                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD(args[1]), UNLESS(command), REFUSE, \
        LOAD(nr)

static const struct sock_filter program[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NUMBERS_END, 0, 1),
    REFUSE,

    /* Signals, also those of the kernel for descriptors that are ready */
    REFUSE_COMMAND(fcntl, F_SETOWN),
    REFUSE_COMMAND(fcntl, F_SETOWN_EX),
    REFUSE_COMMAND(fcntl, F_SETSIG),
#ifdef SYS_fcntl64
    REFUSE_COMMAND(fcntl64, F_SETOWN),
    REFUSE_COMMAND(fcntl64, F_SETOWN_EX),
    REFUSE_COMMAND(fcntl64, F_SETSIG),
#endif
    REFUSE_COMMAND(ioctl, FIOSETOWN),
    REFUSE_COMMAND(ioctl, SIOCSPGRP),
    REFUSE_CALL(kill),
    REFUSE_CALL(tkill),
    REFUSE_CALL(tgkill),
    REFUSE_CALL(rt_sigqueueinfo),
    REFUSE_CALL(rt_tgsigqueueinfo),
    REFUSE_CALL(pidfd_send_signal),

    /* Memory and descriptors */
    REFUSE_CALL(ptrace),
    REFUSE_CALL(process_vm_readv),
    REFUSE_CALL(process_vm_writev),
    REFUSE_CALL(process_madvise),
    REFUSE_CALL(pidfd_open),
    REFUSE_CALL(pidfd_getfd),
    REFUSE_CALL(kcmp),
    REFUSE_CALL(move_pages),
    REFUSE_CALL(migrate_pages),
    REFUSE_CALL(perf_event_open),

    /* Limits and priorities */
    REFUSE_CALL(setpriority),
    REFUSE_CALL(ioprio_set),
    REFUSE_CALL(sched_setaffinity),
    REFUSE_CALL(sched_setattr),
    REFUSE_CALL(sched_setparam),
    REFUSE_CALL(sched_setscheduler),

    /* Threads of the kernel, which this filter does not reach */
    REFUSE_CALL(io_uring_setup),
    REFUSE_CALL(io_uring_enter),
    REFUSE_CALL(io_uring_register),

/* Processes and programs */
#ifdef SYS_fork
    REFUSE_CALL(fork),
    REFUSE_CALL(vfork),
#endif
    REFUSE_CALL(clone),
    REFUSE_CALL(clone3),
    REFUSE_CALL(execve),
    REFUSE_CALL(execveat),

    /* The process may read its own limits, as the C library does. The process id is the lower half
       of its argument, which comes first on these architectures. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 4),
    LOAD(args[0]),
    UNLESS(0),
    RETURN(SECCOMP_RET_ALLOW),
    REFUSE,
    RETURN(SECCOMP_RET_ALLOW),
};

/* Messages to the journal need a unix socket without a connection. */
static const struct sock_filter network_program[] = {
    LOAD(nr),
    REFUSE_CALL(connect),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
    LOAD(args[0]),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0),
    REFUSE,
    RETURN(SECCOMP_RET_ALLOW),
};

static int install(const struct sock_filter *filters, size_t n)
{
    const struct sock_fprog filter = {
        .len = (unsigned short)n,
        .filter = (struct sock_filter *)(uintptr_t)filters, /* only read */
    };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
        return -errno;
    return 0;
}

int confine_connection(void)
{
    return install(program, ELEMENTSOF(program));
}

int confine_network(void)
{
    return install(network_program, ELEMENTSOF(network_program));
}

#else

/* The numbers and the order of arguments are unknown on this architecture. */
int confine_connection(void)
{
    return -EOPNOTSUPP;
}

int confine_network(void)
{
    return -EOPNOTSUPP;
}

#endif
#endif
