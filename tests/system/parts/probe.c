/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a program may do where it is started: run in place of a service's own, with the service's
 * properties. Each argument is a question, VERB or VERB:WHAT; each line of the answer repeats it,
 * with "yes", or with "no" and the error. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each returns 0 when it may, else -1 with errno. */

static int try_read(const char *path)
{
    char byte;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -1 : (int)read(fd, &byte, 1) >= 0 ? 0 : -1;
}

static int try_list(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0 ? -1 : 0;
}

static int try_create(const char *directory)
{
    char path[4096];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/probe-XXXXXX", directory);
    fd = mkstemp(path);
    if (fd < 0)
        return -1;
    (void)unlink(path);
    return 0;
}

static unsigned n_writable;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    if ((type == FTW_D && try_create(path) == 0) ||
        (type == FTW_F && S_ISREG(st->st_mode) && open(path, O_WRONLY | O_CLOEXEC) >= 0)) {
        printf("writable %s\n", path);
        n_writable++;
    }
    return type == FTW_D && strcmp(path, "/proc") == 0 ? FTW_SKIP_SUBTREE : FTW_CONTINUE;
}

/* Every directory in which a file can be made, every file that can be opened for writing. */
static int try_write(const char *directory)
{
    n_writable = 0;
    if (nftw(directory, visit, 64, FTW_PHYS | FTW_ACTIONRETVAL) < 0)
        return -1;
    errno = EROFS;
    return n_writable > 0 ? 0 : -1;
}

static int try_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static int try_tcp(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((in_port_t)strtoul(port, NULL, 10)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static int try_exec(const char *path)
{
    int status, fds[2], error = 0;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0)
        return -1;
    if (pid == 0) {
        (void)execl(path, path, NULL);
        error = errno;
        _exit(write(fds[1], &error, sizeof(error)) < 0);
    }
    (void)close(fds[1]);
    if (read(fds[0], &error, sizeof(error)) < 0 || waitpid(pid, &status, 0) < 0)
        return -1;
    errno = error;
    return error ? -1 : 0;
}

static int try_signal(const char *pid)
{
    return kill((pid_t)strtol(pid, NULL, 10), 0);
}

static int try_see(const char *pid)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    return access(path, F_OK);
}

/* Another process of the same service, in the way that needs no rights beyond being its equal. */
static int try_peer(int (*reach)(pid_t peer))
{
    pid_t peer = fork();
    int r, error;

    if (peer == 0)
        for (;;)
            (void)pause();
    r = reach(peer);
    error = errno;
    (void)kill(peer, SIGKILL);
    (void)waitpid(peer, NULL, 0);
    errno = error;
    return r;
}

static int attach(pid_t peer)
{
    return (int)ptrace(PTRACE_SEIZE, peer, NULL, NULL);
}

static int read_memory(pid_t peer)
{
    static char byte;
    const struct iovec iov = { &byte, 1 };

    return process_vm_readv(peer, &iov, 1, &iov, 1, 0) < 0 ? -1 : 0;
}

static int try_ptrace(const char *what)
{
    (void)what;
    return try_peer(attach);
}

static int try_memory(const char *what)
{
    (void)what;
    return try_peer(read_memory);
}

static const struct {
    const char *verb;
    int (*try)(const char *what);
} questions[] = {
    { "read", try_read },   { "list", try_list },     { "create", try_create },
    { "write", try_write }, { "unix", try_unix },     { "tcp", try_tcp },
    { "exec", try_exec },   { "signal", try_signal }, { "ptrace", try_ptrace },
    { "see", try_see },     { "memory", try_memory },
};

int main(int argc, char *argv[])
{
    /* So that what keeps its kind apart is the service's doing. */
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    for (int i = 1; i < argc; i++) {
        const char *colon = strchr(argv[i], ':');
        size_t length = colon ? (size_t)(colon - argv[i]) : strlen(argv[i]);
        const char *answer = "unknown question";

        for (size_t q = 0; q < sizeof(questions) / sizeof(questions[0]); q++)
            if (strlen(questions[q].verb) == length &&
                memcmp(questions[q].verb, argv[i], length) == 0)
                answer =
                    questions[q].try(colon ? colon + 1 : "") < 0 ? strerrorname_np(errno) : "yes";
        printf("%s %s\n", argv[i], answer);
    }
    return EXIT_SUCCESS;
}
