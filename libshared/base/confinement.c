/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/confinement.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/macro.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
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

/* For a process that becomes dumpable again (a program it executes, a change of its user), the
 * limit and the filter remain. The limit does not bind a program that receives core dumps. */
void confine_memory(void)
{
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, "0", 1);
        (void)close(fd);
    }
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

#ifdef ARCHITECTURE

/* seccomp(2), "Seccomp filters": each instruction tests the value loaded last. */
#define LOAD(field)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what)  BPF_STMT(BPF_RET | BPF_K, (what))
#define UNLESS(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1)
#define PERMIT        RETURN(SECCOMP_RET_ALLOW)
#define REFUSE        RETURN(SECCOMP_RET_ERRNO | EPERM)

#define CALL(name) UNLESS(SYS_##name), PERMIT
/* Permits a call with this argument. Only its lower half counts, which comes first on these
 * architectures. */
#define CALL_WITH(name, index, value)                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD(args[index]), UNLESS(value),       \
        PERMIT, LOAD(nr)
/* Permits a call without any of these bits in this argument. */
#define CALL_WITHOUT(name, index, bits)                                                            \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 4), LOAD(args[index]),                      \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), 0, 1), REFUSE, PERMIT
/* After every CALL_WITH() of a call */
#define CALL_REFUSED(name) UNLESS(SYS_##name), REFUSE

/* Leaves a value that must be loaded again. 3: SYS_CONNECT of <linux/net.h> */
#define SOCKETCALL_CONNECT_REFUSED                                                                 \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socketcall, 0, 4), LOAD(args[0]), UNLESS(3), REFUSE

#define FCNTL(name)                                                                                \
    CALL_WITH(name, 1, F_GETFL), CALL_WITH(name, 1, F_SETFL), CALL_WITH(name, 1, F_GETFD),         \
        CALL_WITH(name, 1, F_SETFD), CALL_WITH(name, 1, F_DUPFD),                                  \
        CALL_WITH(name, 1, F_DUPFD_CLOEXEC), CALL_WITH(name, 1, F_ADD_SEALS), CALL_REFUSED(name)

/* Flags that open a file for writing or create it. O_TMPFILE contains O_DIRECTORY. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/* For messages to the journal. A stream could reach a service that listens in the network namespace
 * of the host. 0xf: SOCK_TYPE_MASK of the kernel */
#define UNIX_DATAGRAM                                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 7), LOAD(args[0]),                          \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 4), LOAD(args[1]),                         \
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), UNLESS(SOCK_DGRAM), PERMIT, LOAD(nr)

#define START                                                                                      \
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),                           \
        RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr)

/* A socket that has listened could be connected by sending. socketcall(2), on the architectures
 * that have it, keeps its flags in memory, where a filter cannot see them. */
#define NO_FAST_OPEN CALL_WITHOUT(sendto, 3, MSG_FASTOPEN), CALL_WITHOUT(sendmsg, 2, MSG_FASTOPEN)

static const struct sock_filter start[] = { START };

/* Messages to the journal need a unix socket without a connection. */
static const struct sock_filter outbound_none[] = {
#ifdef SYS_socketcall
    SOCKETCALL_CONNECT_REFUSED, LOAD(nr),
#endif
    CALL_REFUSED(connect),      CALL_WITH(socket, 0, AF_UNIX),
    CALL_REFUSED(socket),
};

static const struct sock_filter outbound_unix[] = {
    CALL(connect),
    CALL_WITH(socket, 0, AF_UNIX),
    CALL_REFUSED(socket),
};

static const struct sock_filter outbound_any[] = {
    CALL(connect),
    UNIX_DATAGRAM,
    CALL_WITH(socket, 0, AF_INET),
    CALL_WITH(socket, 0, AF_INET6),
    CALL_REFUSED(socket),
};

/* The calls of these programs, and those that the C library, libsystemd and libcrypto make for
 * them, in the order of their use. Calls of one architecture alone have an #ifdef. */
static const struct sock_filter calls[] = {
    /* Connections */
    CALL(ppoll),
#ifdef SYS_poll
    CALL(poll),
#endif
#ifdef SYS_ppoll_time64
    CALL(ppoll_time64),
#endif
    CALL(read),
    CALL(write),
    CALL(readv),
    CALL(writev),
    CALL(recvfrom),
    CALL(recvmsg),
    NO_FAST_OPEN,
#ifdef SYS_recv
    CALL(recv),
    CALL(send),
#endif
    CALL(getsockopt),
    CALL(setsockopt),
    CALL(getsockname),
    CALL(getpeername),
    CALL(shutdown),
#ifdef SYS_socketcall
    CALL(socketcall),
#endif
    CALL(splice),
    CALL(pipe2),
    CALL(signalfd4),

    /* Files. The sandbox of the service shows those that may be read. */
    CALL(close),
    CALL_WITHOUT(openat, 2, WRITING), /* openat2() has its flags in memory, so it is absent */
    CALL(lseek),
    CALL(pread64),
    CALL(getdents64),
    CALL(statx),
    CALL(faccessat),
    CALL(faccessat2),
    CALL(readlinkat),
#ifdef SYS_open
    CALL_WITHOUT(open, 1, WRITING),
    CALL(stat),
    CALL(lstat),
    CALL(access),
    CALL(readlink),
#endif
#ifdef SYS_fstat
    CALL(fstat),
#endif
#ifdef SYS_newfstatat
    CALL(newfstatat),
#endif
#ifdef SYS_fstat64
    CALL(fstat64),
    CALL(stat64),
    CALL(lstat64),
    CALL(fstatat64),
#endif
#ifdef SYS__llseek
    CALL(_llseek),
#endif
    FCNTL(fcntl),
#ifdef SYS_fcntl64
    FCNTL(fcntl64),
#endif
    /* isatty(3) of the C library */
    CALL_WITH(ioctl, 1, TCGETS),
    CALL_WITH(ioctl, 1, FIONREAD),
    CALL_WITH(ioctl, 1, FIONBIO),
    CALL_REFUSED(ioctl),
    /* A long entry of the journal is a file in memory. */
    CALL(memfd_create),
    CALL(ftruncate),
#ifdef SYS_ftruncate64
    CALL(ftruncate64),
#endif

    /* Memory */
    CALL(brk),
    CALL(munmap),
    CALL(mremap),
    CALL(mprotect),
    CALL(madvise),
#ifdef SYS_mmap
    CALL(mmap),
#endif
#ifdef SYS_mmap2
    CALL(mmap2),
#endif

    /* Time: most calls do not reach the kernel (vdso(7)). */
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(clock_nanosleep),
    CALL(nanosleep),
    CALL(gettimeofday),
#ifdef SYS_time
    CALL(time),
#endif
#ifdef SYS_clock_gettime64
    CALL(clock_gettime64),
    CALL(clock_getres_time64),
    CALL(clock_nanosleep_time64),
#endif

    /* The process itself */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(rt_sigpending),
#ifdef SYS_sigreturn
    CALL(sigreturn),
#endif
    CALL(restart_syscall),
    CALL(futex),
#ifdef SYS_futex_time64
    CALL(futex_time64),
#endif
    CALL(getrandom),
    CALL(getpid),
    CALL(getppid),
    CALL(gettid),
    CALL(getuid),
    CALL(geteuid),
    CALL(getgid),
    CALL(getegid),
#ifdef SYS_getuid32
    CALL(getuid32),
    CALL(geteuid32),
    CALL(getgid32),
    CALL(getegid32),
#endif
    CALL(getcpu),
    CALL(rseq),
    CALL(set_robust_list),
    CALL(sched_yield),
    CALL(sysinfo),
    CALL(uname),
#ifdef SYS_getrlimit
    CALL(getrlimit),
#endif
#ifdef SYS_ugetrlimit
    CALL(ugetrlimit),
#endif
    CALL_WITH(prlimit64, 0, 0),
    CALL_REFUSED(prlimit64),
    /* libsystemd names the file of a long entry of the journal after the process. */
    CALL_WITH(prctl, 0, PR_GET_NAME),
    /* confine_network() */
    CALL_WITH(prctl, 0, PR_SET_NO_NEW_PRIVS),
    CALL_WITH(seccomp, 0, SECCOMP_SET_MODE_FILTER),
    CALL_REFUSED(seccomp),
    CALL(exit),
    CALL(exit_group),

#ifdef __SANITIZE_ADDRESS__
    /* The leak checker is another process that stops this one. */
    CALL(clone),
    CALL(wait4),
    CALL(ptrace),
    CALL(prctl),
    CALL(tgkill),
    CALL(sigaltstack),
    CALL(sched_getaffinity),
#ifdef SYS_getdents
    CALL(getdents),
#endif
#endif
    CALL_REFUSED(prctl),

    /* A library that meets ENOSYS tries an older call. EPERM would be an answer to it. */
    RETURN(SECCOMP_RET_ERRNO | ENOSYS),
};

/* Messages to the journal need a unix socket without a connection. */
static const struct sock_filter network_program[] = {
    LOAD(nr),
    CALL_REFUSED(connect),
#ifdef SYS_socketcall
    SOCKETCALL_CONNECT_REFUSED,
    PERMIT,
#endif
    CALL_WITH(socket, 0, AF_UNIX),
    CALL_REFUSED(socket),
    PERMIT,
};

static const struct sock_filter listener_program[] = {
    START,
#ifdef __x86_64__
    /* The numbers of the x32 ABI have this bit. */
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x40000000, 0, 1),
    REFUSE,
#endif
    NO_FAST_OPEN,
    CALL_WITHOUT(sendmmsg, 3, MSG_FASTOPEN),
    PERMIT,
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

int confine_connection(Outbound outbound)
{
    static const struct {
        const struct sock_filter *filters;
        size_t n;
    } outbounds[] = {
        [OUTBOUND_NONE] = { outbound_none, ELEMENTSOF(outbound_none) },
        [OUTBOUND_UNIX] = { outbound_unix, ELEMENTSOF(outbound_unix) },
        [OUTBOUND_ANY] = { outbound_any, ELEMENTSOF(outbound_any) },
    };
    struct sock_filter program[ELEMENTSOF(start) + ELEMENTSOF(outbound_any) + ELEMENTSOF(calls)];
    size_t n = outbounds[outbound].n;

    /* Jumps are relative, and stay within each part. */
    memcpy(program, start, sizeof(start));
    memcpy(program + ELEMENTSOF(start), outbounds[outbound].filters, n * sizeof(*program));
    memcpy(program + ELEMENTSOF(start) + n, calls, sizeof(calls));
    return install(program, ELEMENTSOF(start) + n + ELEMENTSOF(calls));
}

int confine_network(void)
{
    return install(network_program, ELEMENTSOF(network_program));
}

int confine_listener(void)
{
    return install(listener_program, ELEMENTSOF(listener_program));
}

#else

/* The numbers and the order of arguments are unknown on this architecture. */
int confine_connection(_unused_ Outbound outbound)
{
    return -EOPNOTSUPP;
}

int confine_network(void)
{
    return -EOPNOTSUPP;
}

int confine_listener(void)
{
    return -EOPNOTSUPP;
}

#endif
