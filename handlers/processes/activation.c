/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes/activation.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/macro.h"

typedef struct SocketKind {
    bool listening;
    const char *wrong; /* why it cannot be used; NULL: it can */
} SocketKind;

static int socket_option(int fd, int option)
{
    int value;
    socklen_t size = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -errno : value;
}

static SocketKind socket_kind(int fd)
{
    int type = socket_option(fd, SO_TYPE), domain = socket_option(fd, SO_DOMAIN);

    if (type < 0)
        return (SocketKind){ .wrong = "a file descriptor that was passed is not a socket" };
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return (SocketKind){
            .wrong = "a socket that was passed is not of the IPv4, IPv6 or unix family"
        };
    if (type != SOCK_STREAM)
        return (SocketKind){ .wrong = "a socket that was passed is not a stream socket" };
    /* A socket that does not listen counts as connected. If its client left before this program
     * started, it looks the same as one that was never connected. */
    return (SocketKind){ .listening = socket_option(fd, SO_ACCEPTCONN) == 1 };
}

/* Checks the sockets of @activation and sets its kind. */
static int verify(Activation *activation, const char **ret_what)
{
    size_t listening = 0;

    for (size_t i = 0; i < activation->n_fds; i++) {
        SocketKind kind = socket_kind(activation->fds[i]);

        if (kind.wrong) {
            *ret_what = kind.wrong;
            return -EINVAL;
        }
        if (kind.listening)
            listening++;
    }
    if (listening == activation->n_fds) {
        activation->kind = ACTIVATION_LISTENING;
        return 0;
    }
    if (activation->n_fds > 1) {
        *ret_what = listening > 0 ? "listening and connected sockets were passed together"
                                  : "more than one connected socket was passed; pass exactly one";
        return -EINVAL;
    }
    activation->kind = ACTIVATION_CONNECTED;
    return 0;
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;

    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Moves the socket away from standard input (and standard output), so that nothing is read from the
 * client or printed to it by accident. */
static int take_standard_input(int *ret)
{
    _cleanup_close_ int fd = -EBADF, null = -EBADF;

    fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return -errno;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    if (is_same_file(fd, STDOUT_FILENO) && dup2(null, STDOUT_FILENO) < 0)
        return -errno;
    if (dup2(null, STDIN_FILENO) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
}

static int take_listen_fds(size_t n, Activation *activation)
{
    activation->fds = calloc(n, sizeof(int));
    if (!activation->fds)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        activation->fds[activation->n_fds++] = SD_LISTEN_FDS_START + (int)i;
    return 0;
}

static int take_inetd(Activation *activation)
{
    int r;

    activation->fds = calloc(1, sizeof(int));
    if (!activation->fds)
        return -ENOMEM;
    r = take_standard_input(&activation->fds[0]);
    if (r < 0)
        return r;
    activation->n_fds = 1;
    return 0;
}

int activation_take(Activation *ret, const char **ret_what)
{
    _cleanup_(activation_done) Activation activation = { 0 };
    const char *what = NULL;
    int r, n = sd_listen_fds(true);

    if (n < 0)
        r = n;
    else if (n > 0)
        r = take_listen_fds((size_t)n, &activation);
    else if (socket_option(STDIN_FILENO, SO_TYPE) >= 0)
        r = take_inetd(&activation);
    else {
        what = "no sockets were passed; start this program from a systemd socket unit or from "
               "inetd, or use systemd-socket-activate(1) to try it";
        r = -ENOTSOCK;
    }
    if (r >= 0)
        r = verify(&activation, &what);
    if (r < 0) {
        *ret_what = what;
        return r;
    }
    *ret = activation;
    activation = (Activation){ 0 };
    return 0;
}

void activation_done(Activation *activation)
{
    for (size_t i = 0; i < activation->n_fds; i++)
        (void)safe_close(activation->fds[i]);
    free(activation->fds);
    *activation = (Activation){ 0 };
}
