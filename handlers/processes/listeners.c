/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes/listeners.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "base/macro.h"

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int listeners_init(Listeners *listeners, Activation *sockets)
{
    int r = 0;

    *listeners = (Listeners){ .sockets = sockets, .shortage.what = "accept a connection" };
    for (size_t i = 0; r >= 0 && i < sockets->n_fds; i++)
        r = set_nonblocking(sockets->fds[i]);
    return r;
}

void listeners_close(Listeners *listeners)
{
    for (size_t i = 0; i < listeners->sockets->n_fds; i++)
        listeners->sockets->fds[i] = safe_close(listeners->sockets->fds[i]);
}

size_t listeners_poll(Listeners *listeners, struct pollfd *polls)
{
    const Activation *sockets = listeners->sockets;

    if (!shortage_is_over(&listeners->shortage, now_monotonic()))
        return 0;
    for (size_t i = 0; i < sockets->n_fds; i++)
        polls[i] = (struct pollfd){ .fd = sockets->fds[i], .events = POLLIN };
    return sockets->n_fds;
}

/* Errors of accept(2) that concern one connection; the next one may be accepted. */
static bool is_of_connection(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

int listeners_accept(Listeners *listeners, size_t i, SocketAddress *ret)
{
    SocketAddress peer = { .storage = { .ss_family = AF_UNSPEC } };
    socklen_t size = sizeof(peer);
    int fd = accept4(listeners->sockets->fds[i], &peer.sa, &size, SOCK_CLOEXEC);

    if (fd >= 0) {
        *ret = peer;
        return fd;
    }
    if (errno == EAGAIN || is_of_connection(errno))
        return -errno;
    shortage_begin(&listeners->shortage, errno, now_monotonic());
    return -EAGAIN;
}
