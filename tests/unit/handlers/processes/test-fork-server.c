/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/io.h"
#include "processes/fork-server.h"
#include "test-directory.h"
#include "test-logged.h"

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

/* What the functions below share with the server. */
typedef struct Shared {
    _Atomic bool lacks_processes; /* fork() fails */
    _Atomic int accept_error;     /* accept4() fails, if not 0 */
    _Atomic unsigned n_polls;
    _Atomic unsigned n_accepted;
} Shared;

static Shared *shared;

/* In place of the C library's: as at a limit of the service or of the user. */
pid_t fork(void)
{
    pid_t (*real)(void);

    if (shared->lacks_processes) {
        errno = EAGAIN;
        return -1;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "fork");
    return real();
}

int poll(struct pollfd *polls, nfds_t n, int timeout)
{
    shared->n_polls++;
    return ppoll(
        polls, n,
        timeout < 0 ? NULL : &(struct timespec){ timeout / 1000, timeout % 1000 * 1000000L }, NULL);
}

int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *restrict size, int flags)
{
    int accepted;

    if (shared->accept_error) {
        errno = shared->accept_error;
        return -1;
    }
    accepted = (int)syscall(SYS_accept4, fd, peer.__sockaddr__, size, flags);
    if (accepted >= 0)
        shared->n_accepted++;
    return accepted;
}

/* Leaves room for the two descriptors that the server makes for itself. */
static void leave_few_descriptors(void)
{
    int next = dup(STDIN_FILENO);

    (void)close(next);
    ASSERT_OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ (rlim_t)next + 2, 1024 }));
}

static void turn_away(int fd)
{
    ASSERT_OK(write_all(fd, "busy", 4, DEADLINE));
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
            .crowded = turn_away,
            .userdata = mode,
        };

        if (lacks_descriptors)
            leave_few_descriptors();
        ASSERT_OK(fork_server_run(&server));
        /* The leak checker needs one. */
        ASSERT_OK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 1024, 1024 }));
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

/* Waits until so many processes of it serve. */
static void wait_for_children(const Run *run, unsigned n)
{
    char path[64], line[256] = "";
    usec_t deadline = DEADLINE;
    unsigned found;

    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", run->pid, run->pid);
    do {
        FILE *file = fopen(path, "re");

        ASSERT_TRUE(file && now_monotonic() < deadline);
        found = 0;
        if (fgets(line, sizeof(line), file))
            for (const char *p = line; (p = strchr(p, ' ')); p++)
                found++;
        ASSERT_OK(fclose(file));
    } while (found != n);
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

/* A limit below the number of its sockets: poll(2) refuses them, too. */
static void test_limit_below_sockets(void)
{
    Run run = start(USEC_INFINITY, 10, false);
    int a = client(&run), b;

    expect_echo(a);
    ASSERT_OK(prlimit(run.pid, RLIMIT_NOFILE, &(struct rlimit){ 2, 1024 }, NULL));
    shared->n_polls = 0;
    b = client(&run);
    ASSERT_OK(write_all(b, "x", 1, DEADLINE));
    expect_end(a);
    ASSERT_EQ(fd_wait(b, POLLIN, now_monotonic() + 500 * USEC_PER_MSEC), -ETIMEDOUT);
    ASSERT_TRUE(shared->n_polls < 100);
    ASSERT_OK(prlimit(run.pid, RLIMIT_NOFILE, &(struct rlimit){ 1024, 1024 }, NULL));
    ASSERT_OK(fd_wait(b, POLLIN, DEADLINE));
    ASSERT_OK(prlimit(run.pid, RLIMIT_NOFILE, &(struct rlimit){ 0, 1024 }, NULL));
    ASSERT_OK(kill(run.pid, SIGTERM));
    (void)close(b);
    finish(&run);
}

/* An error of accept(2) that persists: it tries again now and then. */
static void test_accept_fails(int error)
{
    Run run = start(USEC_INFINITY, 10, false);
    int a;

    shared->accept_error = error;
    shared->n_polls = 0;
    a = client(&run);
    ASSERT_OK(write_all(a, "x", 1, DEADLINE));
    ASSERT_EQ(fd_wait(a, POLLIN, now_monotonic() + 500 * USEC_PER_MSEC), -ETIMEDOUT);
    ASSERT_TRUE(shared->n_polls < 100);
    shared->accept_error = 0;
    ASSERT_OK(fd_wait(a, POLLIN, DEADLINE));
    ASSERT_OK(kill(run.pid, SIGTERM));
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

/* While no process can be started, connections wait, and deadlines and signals still count. */
static void test_no_processes(void)
{
    Run run;
    int killed, waits;

    mode = stuck;
    lifetime = 200 * USEC_PER_MSEC;
    run = start(USEC_INFINITY, 10, false);
    killed = client(&run);
    wait_for_children(&run, 1);
    mode = usual;
    shared->lacks_processes = true;
    waits = client(&run);
    ASSERT_OK(write_all(waits, "x", 1, DEADLINE));
    expect_end(killed);
    ASSERT_EQ(recv(waits, (char[1]){ 0 }, 1, MSG_DONTWAIT), -1);
    ASSERT_EQ(errno, EAGAIN);
    shared->lacks_processes = false;
    wait_for_children(&run, 1);
    ASSERT_OK(kill(run.pid, SIGTERM));
    (void)close(waits);
    finish(&run);
    lifetime = 60 * USEC_PER_SEC;
}

/* A server that stops answers those that it cannot serve any more, and does not spin meanwhile, nor
 * after its idle time. */
static void test_stop_without_processes(void)
{
    Run run = start(USEC_PER_MSEC * 500, 10, false);
    int waits[3];
    char answer[5] = "";

    shared->lacks_processes = true;
    shared->n_polls = shared->n_accepted = 0;
    for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
        waits[i] = client(&run);
        ASSERT_OK(write_all(waits[i], "x", 1, DEADLINE));
    }
    for (usec_t deadline = DEADLINE; shared->n_accepted < ELEMENTSOF(waits);)
        ASSERT_TRUE(now_monotonic() < deadline);
    ASSERT_OK(kill(run.pid, SIGTERM));
    for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
        ASSERT_OK(fd_wait(waits[i], POLLIN, DEADLINE));
        ASSERT_EQ(recv(waits[i], answer, 4, MSG_WAITALL), 4);
        ASSERT_STREQ(answer, "busy");
    }
    finish(&run); /* the clients do not close: it waits for them */
    ASSERT_TRUE(shared->n_polls < 500);
    for (size_t i = 0; i < ELEMENTSOF(waits); i++)
        (void)close(waits[i]);
    shared->lacks_processes = false;
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

/* A process that cannot be confined serves nothing. Each connection meets that: one entry tells of
 * it. */
static void expect_closed(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    int pair[2];
    Activation activation = { .kind = ACTIVATION_CONNECTED, .fds = &pair[0], .n_fds = 1 };
    const ForkServer server = { .activation = &activation, .serve = serve, .userdata = mode };
    Run run;

    ASSERT_OK(chdir(directory));
    logged_open("test-fork-server");
    ASSERT_OK(log_limit_repeated());
    refuse_seccomp();
    run = start(200 * USEC_PER_MSEC, 10, false);
    for (unsigned i = 0; i < 5; i++)
        expect_end(client(&run));
    finish(&run);
    ASSERT_EQ(logged("Closed a connection: failed to confine its process: Invalid argument\n"), 1);

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_OK(write_all(pair[1], "x", 1, DEADLINE));
    ASSERT_EQ(fork_server_run(&server), -EINVAL);
    (void)close(pair[0]);
    ASSERT_TRUE(read(pair[1], (char[1]){ 0 }, 1) <= 0);
    (void)close(pair[1]);
    logged_close();
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
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_TRUE(shared != MAP_FAILED);
    test_parse();
    test_idle_exit();
    test_limit();
    test_lifetime();
    test_signal(SIGTERM);
    test_signal(SIGINT);
    test_no_descriptors();
    test_limit_below_sockets();
    test_accept_fails(EINVAL);
    test_no_processes();
    test_stop_without_processes();
    test_not_confined();
    test_connected(); /* last, because it confines this process */
    return EXIT_SUCCESS;
}
