/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime-dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "log/log.h"
#include "statedir/challenge.h"
#include "statedir/files/atomic-file.h"
#include "statedir/files/runtime-path.h"

static int check_inherited(int fd)
{
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL,
                               "The inherited descriptor is not a listening unix stream socket");
    return fd;
}

/* Binds the socket; one that a process left which is not there any more is replaced. */
static int bind_socket(const char *runtime_directory)
{
    _cleanup_close_ int fd = -EBADF, directory = -EBADF;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_free_ char *path = NULL;
    mode_t mask;
    int r;

    directory = directory_open(runtime_directory, 0755);
    if (directory < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, directory,
                               "Runtime directory '%s' cannot be used: %m", runtime_directory);
    path = runtime_socket_path(runtime_directory);
    if (!path)
        return log_oom();
    if (strlen(path) >= sizeof(address.sun_path))
        return log_event_errno(LOG_EVENT_START_FAILED, ENAMETOOLONG,
                               "Socket in '%s' cannot be made: %m", runtime_directory);

    memcpy(address.sun_path, path, strlen(path));

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, errno, "Socket cannot be made: %m");
    /* Anything but a refusal comes from one that lives, be it too busy to answer (EAGAIN). */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
        (errno != ECONNREFUSED && errno != ENOENT))
        return log_event_errno(LOG_EVENT_START_FAILED, EADDRINUSE,
                               "Another acmems-orderd serves '%s'", address.sun_path);
    if (unlink(address.sun_path) < 0 && errno != ENOENT)
        return log_event_errno(LOG_EVENT_START_FAILED, errno,
                               "Old socket '%s' cannot be removed: %m", address.sun_path);

    mask = umask(0117);
    r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    umask(mask);
    if (r < 0 || listen(fd, SOMAXCONN) < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r < 0 ? r : errno,
                               "Socket '%s' cannot be bound: %m", address.sun_path);
    return TAKE_FD(fd);
}

int runtime_open_socket(const Config *config)
{
    int n = sd_listen_fds(1);

    if (n < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, n, "Inherited sockets cannot be taken: %m");
    if (n > 1)
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL,
                               "More than one socket was handed over");
    return n == 1 ? check_inherited(SD_LISTEN_FDS_START) : bind_socket(config->runtime_directory);
}

int runtime_open_challenges(const Config *config, const char *kind)
{
    _cleanup_free_ char *path = runtime_challenge_path(config->runtime_directory, kind);
    int fd;

    if (!path)
        return log_oom();
    fd = directory_open(path, 0755);
    if (fd < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, fd,
                               "Challenge directory '%s' cannot be used: %m", path);
    return fd;
}

void runtime_sweep_challenges(int fd)
{
    int r = challenge_sweep(fd);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Challenge files of earlier orders cannot be removed: %m");
}
