/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"

/* The kernel's default for /proc/sys/kernel/overflowgid. */
#define OVERFLOW_GROUP 65534U

/* Most processes have fewer; for the others the kernel tells the size. */
#define GROUPS_FIRST 32U

static int read_groups(int fd, VarlinkPeer *peer)
{
    socklen_t size = GROUPS_FIRST * sizeof(gid_t);

    for (;;) {
        gid_t *groups = realloc(peer->groups, size);

        if (!groups)
            return -ENOMEM;
        peer->groups = groups;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
            peer->n_groups = size / sizeof(gid_t);
            return 0;
        }
        if (errno == ENODATA || errno == ENOPROTOOPT) /* the kernel does not know them */
            return 0;
        if (errno != ERANGE)
            return -errno;
    }
}

int varlink_peer_read(int fd, VarlinkPeer *ret)
{
    _cleanup_varlink_peer_ VarlinkPeer peer = { 0 };
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    int r;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    peer.pid = credentials.pid;
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    r = read_groups(fd, &peer);
    if (r < 0)
        return r;
    *ret = peer;
    peer = (VarlinkPeer){ 0 };
    return 0;
}

void varlink_peer_done(VarlinkPeer *peer)
{
    free(peer->groups);
    *peer = (VarlinkPeer){ 0 };
}

/* The sandbox hides the file: the kernel's default applies there. */
static gid_t read_overflow_group(void)
{
    _cleanup_close_ int fd = open("/proc/sys/kernel/overflowgid", O_RDONLY | O_CLOEXEC);
    char text[16];
    uint64_t group;
    ssize_t n;

    /* In one piece: the kernel answers a second read with the end of the file. */
    n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
    if (n <= 1 || number_parse(text, (size_t)n - 1, UINT32_MAX, &group) < 0)
        return OVERFLOW_GROUP;
    return (gid_t)group;
}

gid_t varlink_overflow_group(void)
{
    static gid_t group;
    static bool is_read;

    if (!is_read) {
        group = read_overflow_group();
        is_read = true;
    }
    return group;
}

bool varlink_peer_in_group(const VarlinkPeer *peer, gid_t group)
{
    if (group == varlink_overflow_group())
        return false;
    if (peer->gid == group)
        return true;
    for (size_t i = 0; i < peer->n_groups; i++)
        if (peer->groups[i] == group)
            return true;
    return false;
}

bool varlink_peer_is_permitted(const VarlinkPeer *peer, uid_t own, gid_t group)
{
    return peer->uid == 0 || peer->uid == own || varlink_peer_in_group(peer, group);
}

void varlink_peer_log(const VarlinkPeer *peer, LogFields *fields)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", peer->uid);
    log_fields_add(fields, LOG_FIELD_PEER_UID, text);
    (void)snprintf(text, sizeof(text), "%d", peer->pid);
    log_fields_add(fields, LOG_FIELD_PEER_PID, text);
}

gid_t varlink_socket_group(int fd)
{
    struct sockaddr_un address = { 0 };
    socklen_t size = sizeof(address) - 1; /* leaves a NUL byte at the end */
    struct stat status;

    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 || address.sun_path[0] != '/' ||
        stat(address.sun_path, &status) < 0)
        return getegid();
    return status.st_gid;
}
