/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/io.h"
#include "serving/fork-server.h"
#include "test.h"

#define DEADLINE (now_monotonic() + 10 * USEC_PER_SEC)

/* Echoes one byte for one byte, until the client closes or SIGTERM is pending. */
static void serve(int fd, void *userdata)
{
    char c;

    if (streq(userdata, "stuck"))
        for (;;)
            (void)poll(NULL, 0, -1);
    ASSERT_STREQ(userdata, "userdata");
    while (fd_wait(fd, POLLIN, now_monotonic() + 20 * USEC_PER_MSEC) == -ETIMEDOUT) {
        sigset_t pending;

        ASSERT_OK(sigpending(&pending));
        if (sigismember(&pending, SIGTERM))
            return;
    }
    if (read(fd, &c, 1) == 1)
        ASSERT_OK(write_all(fd, &c, 1, DEADLINE));
}

static char usual[] = "userdata", stuck[] = "stuck";
static char *mode = usual;
static unsigned n_prepared;

static void prepare(void *userdata)
{
    ASSERT_TRUE(userdata == mode);
    n_prepared++;
}

typedef struct Run {
    struct sockaddr_in address;
    int listening;
    pid_t pid;
} Run;

/* Leaves room for one more descriptor: the signalfd of the server. */
static void leave_one_descriptor(void)
{
    int next = dup(STDIN_FILENO);

    (void)close(next);
    ASSERT_OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)next + 1, 1024 }));
}

static usec_t lifetime = 60 * USEC_PER_SEC;

/* Starts a server in its own process. */
static Run start(usec_t idle_timeout, unsigned children_max, bool lacks_descriptors)
{
    Run run = { .listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    socklen_t size = sizeof(run.address);

    run.address.sin_family = AF_INET;
    run.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_OK(bind(run.listening, (struct sockaddr *)&run.address, sizeof(run.address)));
    ASSERT_OK(listen(run.listening, 64));
    ASSERT_OK(getsockname(run.listening, (struct sockaddr *)&run.address, &size));
    run.pid = fork();
    if (run.pid == 0) {
        Activation activation = {
            .kind = ACTIVATION_LISTENING,
            .fds = &run.listening,
            .n_fds = 1,
        };
        const ForkServer server = {
            .activation = &activation,
            .idle_timeout = idle_timeout,
            .children_max = children_max,
            .lifetime = lifetime,
            .prepare = prepare,
            .serve = serve,
            .userdata = mode,
        };

        if (lacks_descriptors)
            leave_one_descriptor();
        ASSERT_OK(fork_server_run(&server));
        exit(EXIT_SUCCESS);
    }
    return run;
}

static void finish(Run *run)
{
    int status;

    ASSERT_EQ(waitpid(run->pid, &status, 0), run->pid);
    ASSERT_EQ(status, 0);
    (void)close(run->listening);
}

static int client(const Run *run)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ASSERT_OK(connect(fd, (const struct sockaddr *)&run->address, sizeof(run->address)));
    return fd;
}

static void expect_echo(int fd)
{
    char c = 'x';

    ASSERT_OK(write_all(fd, &c, 1, DEADLINE));
    ASSERT_OK(fd_wait(fd, POLLIN, DEADLINE));
    ASSERT_EQ(read(fd, &c, 1), 1);
    ASSERT_EQ(c, 'x');
}

static void expect_end(int fd)
{
    char c;

    ASSERT_OK(fd_wait(fd, POLLIN, DEADLINE));
    ASSERT_EQ(read(fd, &c, 1), 0);
    (void)close(fd);
}

static void test_idle_exit(void)
{
    Run run = start(200 * USEC_PER_MSEC, 10, false);
    int a = client(&run), b = client(&run);

    expect_echo(b);
    expect_echo(a);
    expect_end(a);
    expect_end(b);
    finish(&run);
}

/* Ten clients and three children: the kernel queues, and all clients are served. */
static void test_limit(void)
{
    Run run = start(200 * USEC_PER_MSEC, 3, false);
    int clients[10];

    for (size_t i = 0; i < ELEMENTSOF(clients); i++)
        clients[i] = client(&run);
    ASSERT_OK(write_all(clients[5], "x", 1, DEADLINE));
    ASSERT_EQ(fd_wait(clients[5], POLLIN, now_monotonic() + 100 * USEC_PER_MSEC), -ETIMEDOUT);
    for (size_t i = 0; i < ELEMENTSOF(clients); i++) {
        if (i != 5)
            expect_echo(clients[i]);
        else
            ASSERT_EQ(read(clients[i], (char[1]){ 0 }, 1), 1);
        expect_end(clients[i]);
    }
    finish(&run);
}

/* Without a free descriptor it waits, does not spin, and drops no client. */
static void test_no_descriptors(void)
{
    Run run = start(200 * USEC_PER_MSEC, 10, true);
    int a = client(&run);

    ASSERT_OK(write_all(a, "x", 1, DEADLINE));
    ASSERT_EQ(fd_wait(a, POLLIN, now_monotonic() + 300 * USEC_PER_MSEC), -ETIMEDOUT);
    ASSERT_OK(prlimit(run.pid, RLIMIT_NOFILE, &(struct rlimit){ 1024, 1024 }, NULL));
    ASSERT_OK(fd_wait(a, POLLIN, DEADLINE));
    (void)close(a);
    finish(&run);
}

static void test_signal(int number)
{
    Run run = start(USEC_INFINITY, 10, false);
    int a = client(&run), b = client(&run);

    expect_echo(b);
    ASSERT_OK(kill(run.pid, number));
    ASSERT_OK(kill(run.pid, number));
    expect_end(a);
    (void)close(b);
    finish(&run);
}

/* A child that overruns its lifetime is killed; the server goes on. */
static void test_lifetime(void)
{
    Run run;

    mode = stuck;
    lifetime = 200 * USEC_PER_MSEC;
    run = start(400 * USEC_PER_MSEC, 1, false);
    expect_end(client(&run));
    expect_end(client(&run));
    finish(&run);
    mode = usual;
    lifetime = 60 * USEC_PER_SEC;
}

static void test_connected(void)
{
    int pair[2];
    Activation activation = { .kind = ACTIVATION_CONNECTED, .fds = &pair[0], .n_fds = 1 };
    const ForkServer server = {
        .activation = &activation,
        .prepare = prepare,
        .serve = serve,
        .userdata = mode,
    };

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_OK(write_all(pair[1], "x", 1, DEADLINE));
    n_prepared = 0;
    ASSERT_OK(fork_server_run(&server));
    ASSERT_EQ(n_prepared, 1);
    ASSERT_EQ(read(pair[1], (char[1]){ 0 }, 1), 1);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* seccomp(2) fails, as on a kernel without it. */
static void refuse_seccomp(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { ELEMENTSOF(filter), filter };

    ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    ASSERT_OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

/* A process that cannot be confined serves nothing. */
static void expect_closed(void)
{
    int pair[2];
    Activation activation = { .kind = ACTIVATION_CONNECTED, .fds = &pair[0], .n_fds = 1 };
    const ForkServer server = { .activation = &activation, .serve = serve, .userdata = mode };
    Run run;
    int fd;

    refuse_seccomp();
    run = start(200 * USEC_PER_MSEC, 10, false);
    fd = client(&run);
    expect_end(fd);
    finish(&run);

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_OK(write_all(pair[1], "x", 1, DEADLINE));
    ASSERT_EQ(fork_server_run(&server), -EINVAL);
    (void)close(pair[0]);
    ASSERT_TRUE(read(pair[1], (char[1]){ 0 }, 1) <= 0);
    (void)close(pair[1]);
}

static void test_not_confined(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        expect_closed();
        exit(EXIT_SUCCESS);
    }
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
}

static void test_parse(void)
{
    usec_t timeout = 0;
    unsigned n = 0;

    ASSERT_OK(fork_server_parse_idle_timeout("60", &timeout));
    ASSERT_EQ(timeout, 60 * USEC_PER_SEC);
    ASSERT_OK(fork_server_parse_idle_timeout("0", &timeout));
    ASSERT_TRUE(timeout == USEC_INFINITY);
    ASSERT_OK(fork_server_parse_children_max("65536", &n));
    ASSERT_EQ(n, 65536);
    ASSERT_EQ(fork_server_parse_children_max("0", &n), -EINVAL);
    ASSERT_EQ(fork_server_parse_children_max("65537", &n), -EINVAL);
    ASSERT_EQ(fork_server_parse_children_max("", &n), -EINVAL);
    ASSERT_EQ(fork_server_parse_idle_timeout("-1", &timeout), -EINVAL);
    ASSERT_EQ(fork_server_parse_idle_timeout(" 1", &timeout), -EINVAL);
    ASSERT_EQ(fork_server_parse_idle_timeout("1s", &timeout), -EINVAL);
    ASSERT_EQ(fork_server_parse_idle_timeout("99999999999999999999", &timeout), -ERANGE);
}

int main(void)
{
    test_parse();
    test_idle_exit();
    test_limit();
    test_lifetime();
    test_signal(SIGTERM);
    test_signal(SIGINT);
    test_no_descriptors();
    test_not_confined();
    test_connected(); /* last, because it confines this process */
    return EXIT_SUCCESS;
}
