/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The process at the other end of a unix socket, as the kernel knows it: unix(7), SO_PEERCRED and
 * SO_PEERGROUPS. The ids are those of connect(2), and belong to the user namespace of this process:
 * what is not mapped there is the overflow id, 65534. */

#include <sys/socket.h>

#include "log/log-fields.h"

typedef struct VarlinkPeer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* the supplementary ones */
    size_t n_groups;
} VarlinkPeer;

/* Of a connected unix socket; free with varlink_peer_done(). 0 or -errno. */
int varlink_peer_read(int fd, VarlinkPeer *ret);
void varlink_peer_done(VarlinkPeer *peer);

/* The group that stands for every group without a mapping in the user namespace of this process. */
gid_t varlink_overflow_group(void);

/* Never true for the overflow group: its members may be in different groups. */
bool varlink_peer_in_group(const VarlinkPeer *peer, gid_t group);

/* Whether the peer may call: root, the user @own, or a member of @group. */
bool varlink_peer_is_permitted(const VarlinkPeer *peer, uid_t own, gid_t group);

/* Adds user and process of the peer to an entry of the journal. */
void varlink_peer_log(const VarlinkPeer *peer, LogFields *fields);

/* The group of the file that this listening unix socket is bound to; that of this process where it
 * is bound to none, or the file cannot be seen. */
gid_t varlink_socket_group(int fd);

#define _cleanup_varlink_peer_ _cleanup_(varlink_peer_done)
