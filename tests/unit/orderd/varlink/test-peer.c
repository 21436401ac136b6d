/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "varlink/peer.h"

#include <sys/un.h>

#include "base/io.h"
#include "test-directory.h"
#include "test.h"

#define OWN   990
#define GROUP 980

static void test_permitted(void)
{
    gid_t groups[] = { 20, GROUP };
    const struct {
        VarlinkPeer peer;
        bool is_permitted;
    } cases[] = {
        { { .uid = 0, .gid = 5 }, true },
        { { .uid = OWN, .gid = 5 }, true },
        { { .uid = 1000, .gid = GROUP }, true },
        { { .uid = 1000, .gid = 5, .groups = groups, .n_groups = 2 }, true },
        { { .uid = 1000, .gid = 5, .groups = groups, .n_groups = 1 }, false },
        { { .uid = 1000, .gid = 0 }, false },
        { { .uid = GROUP, .gid = OWN }, false },
        { { .uid = 65534, .gid = 65534 }, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        ASSERT_EQ(varlink_peer_is_permitted(&cases[i].peer, OWN, GROUP), cases[i].is_permitted);
}

/* In a user namespace, a socket of one group and a peer of another may both show this id. */
static void test_overflow_group(void)
{
    gid_t overflow = varlink_overflow_group(), groups[] = { 20, overflow };
    const VarlinkPeer first = { .uid = 1000, .gid = overflow };
    const VarlinkPeer other = { .uid = 1000, .gid = 5, .groups = groups, .n_groups = 2 };
    const VarlinkPeer root = { .uid = 0, .gid = overflow };

    ASSERT_TRUE(!varlink_peer_in_group(&first, overflow));
    ASSERT_TRUE(!varlink_peer_is_permitted(&first, OWN, overflow));
    ASSERT_TRUE(!varlink_peer_is_permitted(&other, OWN, overflow));
    ASSERT_TRUE(varlink_peer_is_permitted(&other, OWN, 20));
    ASSERT_TRUE(varlink_peer_is_permitted(&root, OWN, overflow));
}

/* This process, at the other end. */
static void test_read(const char *directory)
{
    _cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_close_ int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_log_fields_ LogFields fields = { 0 };
    _cleanup_varlink_peer_ VarlinkPeer peer = { 0 };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_close_ int accepted = -EBADF;
    char text[16];

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
    ASSERT_EQ(varlink_socket_group(listener), getegid());
    ASSERT_OK(bind(listener, (struct sockaddr *)&address, sizeof(address)));
    ASSERT_OK(listen(listener, 1));
    ASSERT_EQ(varlink_socket_group(listener), getegid());
    ASSERT_OK(connect(client, (struct sockaddr *)&address, sizeof(address)));
    accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ASSERT_TRUE(accepted >= 0);

    ASSERT_OK(varlink_peer_read(accepted, &peer));
    ASSERT_EQ(peer.pid, getpid());
    ASSERT_EQ(peer.uid, geteuid());
    ASSERT_EQ(peer.gid, getegid());
    ASSERT_EQ((int)peer.n_groups, getgroups(0, NULL));
    ASSERT_TRUE(varlink_peer_in_group(&peer, getegid()));

    varlink_peer_log(&peer, &fields);
    (void)snprintf(text, sizeof(text), "%d", getpid());
    ASSERT_STREQ(log_fields_get(&fields, LOG_FIELD_PEER_PID), text);
    (void)snprintf(text, sizeof(text), "%u", geteuid());
    ASSERT_STREQ(log_fields_get(&fields, LOG_FIELD_PEER_UID), text);
}

int main(void)
{
    _cleanup_(test_directory_freep) char *directory = test_directory_new();

    test_permitted();
    test_overflow_group();
    test_read(directory);
    return EXIT_SUCCESS;
}
