/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <asm/sockios.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/confinement.h"
#include "test.h"

/* The process tries what even root may do, so only the filter can refuse. */
#ifndef __SANITIZE_ADDRESS__

#define FAILS(call, error)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ASSERT_EQ((call), -1);                                                                     \
        ASSERT_EQ(errno, (error));                                                                 \
    } while (0)
/* The call is not in the list, or this argument is not. */
#define ABSENT(call)  FAILS(call, ENOSYS)
#define REFUSED(call) FAILS(call, EPERM)

static void try_everything(pid_t other)
{
    struct rlimit limit;
    char byte = 0, name[16];
    const struct iovec iov = { &byte, 1 };
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    ABSENT(kill(other, 0));
    ABSENT(kill(other, SIGKILL));
    ABSENT(raise(SIGCONT));
    ABSENT(sigqueue(other, SIGTERM, (union sigval){ 0 }));
    REFUSED(fcntl(STDIN_FILENO, F_SETOWN, other));
    REFUSED(fcntl(STDIN_FILENO, F_SETOWN_EX, &(struct f_owner_ex){ F_OWNER_PID, other }));
    REFUSED(fcntl(STDIN_FILENO, F_SETSIG, SIGKILL));
    REFUSED(ioctl(STDIN_FILENO, FIOSETOWN, &other));
    REFUSED(ioctl(STDIN_FILENO, SIOCSPGRP, &other));
    ABSENT(syscall(SYS_io_uring_setup, 1, NULL));
    ABSENT(ptrace(PTRACE_SEIZE, other, NULL, NULL));
    ABSENT(process_vm_readv(other, &iov, 1, &iov, 1, 0));
    ABSENT(process_vm_writev(other, &iov, 1, &iov, 1, 0));
    ABSENT(syscall(SYS_pidfd_open, other, 0));
    REFUSED(prlimit(other, RLIMIT_NOFILE, NULL, &limit));
    REFUSED(prlimit(other, RLIMIT_NOFILE, &(struct rlimit){ 0 }, NULL));
    ABSENT(setpriority(PRIO_PROCESS, (id_t)other, 19));
    ABSENT(sched_setaffinity(other, sizeof(cpus), &cpus));
    ABSENT(syscall(SYS_add_key, "user", "x", "x", 1, -1));
    ABSENT(unshare(CLONE_NEWUSER));
    ABSENT(unlink("/nonexistent"));
    ABSENT(chmod("/nonexistent", 0));
    REFUSED(open("new", O_RDONLY | O_CREAT | O_CLOEXEC, 0600));
    REFUSED(open("/dev/null", O_WRONLY | O_CLOEXEC));
    REFUSED(open("/dev/null", O_RDWR | O_CLOEXEC));
    REFUSED(open("/dev/null", O_RDONLY | O_TRUNC | O_CLOEXEC));
    REFUSED(openat(AT_FDCWD, "/dev/null", O_RDONLY | O_APPEND | O_CLOEXEC));
    REFUSED(open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    ABSENT(syscall(SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0));
    ABSENT(rename("/nonexistent", "/nonexistent-either"));
    ABSENT(listen(STDIN_FILENO, 1));
    ABSENT(syscall(1 << 20)); /* of a kernel to come */
    REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
    REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
    REFUSED(prctl(PR_SET_NAME, "x"));
    ABSENT(fork());
    ABSENT(execl("/bin/true", "true", NULL));

    /* Calls that a connection needs still work. */
    ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
    ASSERT_TRUE(fcntl(STDIN_FILENO, F_GETFL) >= 0);
    ASSERT_TRUE(getppid() > 0);
    ASSERT_OK(prctl(PR_GET_NAME, name));
    ASSERT_TRUE(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
    ASSERT_TRUE(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
}

static void test_connection(void)
{
    pid_t other = fork(), child;
    int status;

    if (other == 0)
        for (;;)
            (void)pause();
    child = fork();
    if (child == 0) {
        ASSERT_OK(confine_connection(OUTBOUND_ANY));
        try_everything(other);
        try_everything(getppid());
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    ASSERT_EQ(waitpid(other, &status, WNOHANG), 0);
    ASSERT_OK(kill(other, SIGKILL));
    ASSERT_EQ(waitpid(other, &status, 0), other);
}

static void test_network(void)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int before = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
    pid_t child = fork();

    if (child == 0) {
        ASSERT_OK(confine_connection(OUTBOUND_ANY));
        ASSERT_OK(confine_network());
        REFUSED(connect(before, (const struct sockaddr *)&address, sizeof(address)));
        REFUSED(socket(AF_INET, SOCK_STREAM, 0));
        REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
        REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
        /* needed for the journal */
        ASSERT_TRUE(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    (void)close(before);
}

/* Whether a socket that has listened can still be connected, by sending. */
static void try_fast_open(int listener, const struct sockaddr_in *to)
{
    struct iovec data = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
    struct sockaddr_in name = *to;
    struct mmsghdr message = { .msg_hdr = { .msg_name = &name,
                                            .msg_namelen = sizeof(name),
                                            .msg_iov = &data,
                                            .msg_iovlen = 1 } };

    (void)shutdown(listener, SHUT_RD);
    REFUSED(sendto(listener, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)to, sizeof(*to)));
    REFUSED(sendmsg(listener, &message.msg_hdr, MSG_FASTOPEN | MSG_NOSIGNAL));
}

static void test_listener(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int victim = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), status;
    socklen_t size = sizeof(address);

    ASSERT_OK(bind(victim, (const struct sockaddr *)&address, size));
    ASSERT_OK(listen(victim, 1));
    ASSERT_OK(getsockname(victim, (struct sockaddr *)&address, &size));
    for (unsigned connection = 0; connection < 2; connection++) {
        pid_t child = fork();

        if (child == 0) {
            int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

            ASSERT_OK(listen(listener, 1));
            ASSERT_OK(connection ? confine_connection(OUTBOUND_NONE) : confine_listener());
            try_fast_open(listener, &address);
            if (!connection) {
                struct mmsghdr message = { .msg_hdr = { .msg_name = &address,
                                                        .msg_namelen = sizeof(address) } };

                REFUSED(sendmmsg(listener, &message, 1, MSG_FASTOPEN));
                ASSERT_TRUE(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
            }
            exit(EXIT_SUCCESS);
        }
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_EQ(status, 0);
    }
    ASSERT_EQ(accept(victim, NULL, NULL), -1);
    (void)close(victim);
}

/* Each handler can create and connect the sockets that it needs, and no others. */
static void test_outbound(Outbound outbound)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct sockaddr unconnected = { .sa_family = AF_UNSPEC };
    int before = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
    pid_t child = fork();

    if (child == 0) {
        ASSERT_OK(confine_connection(outbound));
        ASSERT_TRUE(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
        REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
        if (outbound == OUTBOUND_ANY) {
            ASSERT_TRUE(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
            REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
            REFUSED(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        } else {
            REFUSED(socket(AF_INET, SOCK_STREAM, 0));
            REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
        }
        if (outbound == OUTBOUND_NONE) {
            REFUSED(connect(before, (const struct sockaddr *)&address, sizeof(address)));
            REFUSED(connect(before, &unconnected, sizeof(unconnected)));
        } else {
            ASSERT_OK(connect(before, &unconnected, sizeof(unconnected)));
        }
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    (void)close(before);
}

/* Neither a limit nor a filter of the kernel lets memory into a core dump, also after exec(). */
static void test_core_dumps(void)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        char filter[16] = "";
        struct rlimit limit;
        FILE *file;

        confine_memory();
        ASSERT_EQ(prctl(PR_GET_DUMPABLE), 0);
        ASSERT_OK(getrlimit(RLIMIT_CORE, &limit));
        ASSERT_EQ(limit.rlim_max, 0);
        file = fopen("/proc/self/coredump_filter", "re");
        ASSERT_TRUE(file && fgets(filter, sizeof(filter), file));
        ASSERT_STREQ(filter, "00000000\n");
        ASSERT_OK(fclose(file));
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
}

/* Another process of the same user, without the capabilities of root, cannot read its memory. */
static void test_memory(void)
{
    pid_t victim, child;
    int status, ready[2];
    char byte;

    ASSERT_OK(pipe2(ready, O_CLOEXEC));
    victim = fork();
    if (victim == 0) {
        ASSERT_OK(setuid(65534));
        confine_memory();
        ASSERT_EQ(write(ready[1], "x", 1), 1);
        for (;;)
            (void)pause();
    }
    ASSERT_EQ(read(ready[0], &byte, 1), 1);
    child = fork();
    if (child == 0) {
        const struct iovec iov = { &byte, 1 };
        char path[64];

        ASSERT_OK(setuid(65534));
        ASSERT_OK(kill(victim, 0)); /* same user */
        (void)snprintf(path, sizeof(path), "/proc/%d/mem", victim);
        ASSERT_EQ(open(path, O_RDWR | O_CLOEXEC), -1);
        ASSERT_EQ(errno, EACCES);
        REFUSED(ptrace(PTRACE_SEIZE, victim, NULL, NULL));
        REFUSED(process_vm_readv(victim, &iov, 1, &iov, 1, 0));
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    ASSERT_OK(kill(victim, SIGKILL));
    ASSERT_EQ(waitpid(victim, &status, 0), victim);
}

int main(void)
{
    test_connection();
    test_network();
    test_outbound(OUTBOUND_NONE);
    test_outbound(OUTBOUND_UNIX);
    test_listener();
    test_outbound(OUTBOUND_ANY);
    test_core_dumps();
    test_memory();
    return EXIT_SUCCESS;
}

#else

/* The leak checker of this build needs calls that are refused in others, and must still run. */
int main(void)
{
    confine_memory();
    ASSERT_OK(confine_connection(OUTBOUND_ANY));
    ASSERT_OK(confine_network());
    ASSERT_EQ(execl("/bin/true", "true", NULL), -1);
    ASSERT_EQ(errno, ENOSYS);
    return EXIT_SUCCESS;
}

#endif
