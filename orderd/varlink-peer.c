/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink-peer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

bool varlink_peer_in_group(const VarlinkPeer *peer, gid_t group)
{
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
