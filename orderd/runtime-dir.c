/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime-dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "log/log.h"
#include "statedir/files/atomic-file.h"
#include "statedir/files/runtime-path.h"

int runtime_inherited_socket(int *ret)
{
    int n = sd_listen_fds(1);

    if (n < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, n,
                               "Failed to take the inherited sockets: %m");
    if (n > 1)
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL, "More than one socket was passed");
    if (n == 1 && sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_STREAM, 1, NULL, 0) <= 0)
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL,
                               "The inherited descriptor is not a listening unix stream socket");
    *ret = n == 1 ? SD_LISTEN_FDS_START : -EBADF;
    return n;
}

int runtime_bind_socket(const Config *config)
{
    const char *runtime_directory = config->runtime_directory;
    _cleanup_close_ int fd = -EBADF, directory = -EBADF;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_free_ char *path = NULL;
    mode_t mask;
    int r;

    directory = directory_open(runtime_directory, 0755);
    if (directory < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, directory,
                               "Failed to open the runtime directory '%s': %m", runtime_directory);
    path = runtime_socket_path(runtime_directory);
    if (!path)
        return log_oom();
    if (strlen(path) >= sizeof(address.sun_path))
        return log_event_errno(LOG_EVENT_START_FAILED, ENAMETOOLONG,
                               "Failed to make a socket in '%s': %m", runtime_directory);

    memcpy(address.sun_path, path, strlen(path));

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, errno, "Failed to create a socket: %m");
    /* Only ECONNREFUSED means that no process listens; one that is too busy causes EAGAIN. */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
        (errno != ECONNREFUSED && errno != ENOENT))
        return log_event_errno(LOG_EVENT_START_FAILED, EADDRINUSE,
                               "Another acmems-orderd is listening on '%s'", address.sun_path);
    if (unlink(address.sun_path) < 0 && errno != ENOENT)
        return log_event_errno(LOG_EVENT_START_FAILED, errno,
                               "Failed to remove the old socket '%s': %m", address.sun_path);

    mask = umask(0117);
    r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    umask(mask);
    if (r < 0 || listen(fd, SOMAXCONN) < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r < 0 ? r : errno,
                               "Failed to bind the socket '%s': %m", address.sun_path);
    return TAKE_FD(fd);
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
                               "Failed to open the challenge directory '%s': %m", path);
    return fd;
}
