/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator/socket-units.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#include "test-units.h"

#define MGMT      "acmems-mgmt.socket.d/50-acmems.conf"
#define HTTP01    "acmems-http01.socket.d/50-acmems.conf"
#define TLSALPN01 "acmems-tlsalpn01.socket.d/50-acmems.conf"

#define VERIFICATION(name) "[verification " name "]\ntype=http01\n"
#define SOCKET(streams)    "\n[Socket]\n" streams
#define LATE                                                                                       \
    "DefaultDependencies=no\nRequires=sysinit.target\nAfter=sysinit.target\n"                      \
    "Conflicts=shutdown.target\nBefore=shutdown.target\n"
/* A unit of its own: @on is " on INTERFACE" or "", @late is LATE for an interface. */
#define OWN(name, address, on, late, settings)                                                     \
    "\n[Unit]\nDescription=Socket of acmems-" name " at " address on                               \
    "\nDocumentation=man:acmems.ini(5)\nSourcePath=" TEST_SOURCE "\nPartOf=acmems-" name           \
    ".socket\nAfter=acmems-" name ".socket\n" late                                                 \
    "\n[Socket]\nBindIPv6Only=ipv6-only\nBacklog=4096\nRemoveOnStop=yes\nListenStream=" address    \
    "\n" settings
#define OWN_PLAIN(name, address, settings) OWN(name, address, "", "", settings)
#define OWN_LATE(name, address, interface)                                                         \
    OWN(name, address, " on " interface, LATE, "BindToDevice=" interface "\nFreeBind=yes\n")

static void test_drop_ins(void)
{
    static const struct {
        const char *content, *mgmt, *http01;
    } table[] = {
        { "", SOCKET("ListenStream=127.0.0.1:1313\n"), SOCKET("ListenStream=0.0.0.0:1380\n") },
        /* empty: none */
        { "[mgmt]\nlistener=\n" VERIFICATION("v") "listener=\n", NULL, NULL },
        /* a specific address may come later than the socket */
        { "[mgmt]\nlistener=192.0.2.1:1\nlistener=[::1]:1\n" VERIFICATION(
              "v") "listener=[2001:db8::1]:1\n",
          SOCKET("ListenStream=192.0.2.1:1\nFreeBind=yes\n"),
          SOCKET("ListenStream=[2001:db8::1]:1\nFreeBind=yes\n") },
        /* one address once, also over two blocks */
        { "[mgmt]\nlistener=[::1]:1\nlistener=[0:0:0:0:0:0:0:1]:1\n" VERIFICATION(
              "v") "listener=127.0.0.1:1\n" VERIFICATION("http") "listener=127.0.0.1:1\n",
          SOCKET("ListenStream=[::1]:1\nFreeBind=yes\n"), SOCKET("ListenStream=127.0.0.1:1\n") },
        { "[mgmt]\nlistener=/run/a b%\"c.sock\n[verification v]\ntype=dns01-dnsUpdate\n",
          SOCKET("ListenStream=/run/a b%%\"c.sock\n"), NULL },
        /* with an interface */
        { "[mgmt]\nlistener=[fe80::1%eth0]:1\n" VERIFICATION("v") "listener=\n",
          "\n[Unit]\n" LATE SOCKET("ListenStream=[fe80::1]:1\nBindToDevice=eth0\nFreeBind=yes\n"),
          NULL },
        /* what is sound of a broken one */
        { "[mgmt]\nlistener=1\nlistener=127.0.0.1:1\n" VERIFICATION("v") "listener 127.0.0.1:1\n",
          SOCKET("ListenStream=127.0.0.1:1\n"), NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();

        generate(&generated, table[i].content, socket_units_write);
        assert_generated(&generated, MGMT, table[i].mgmt);
        assert_generated(&generated, HTTP01, table[i].http01);
        assert_generated(&generated, TLSALPN01, NULL);
    }
}

static void assert_alias(const Generated *generated, const char *alias, const char *unit)
{
    _cleanup_free_ char *path = test_path(generated->path, alias);
    char target[64] = "";

    ASSERT_TRUE(readlink(path, target, sizeof(target) - 1) > 0);
    ASSERT_STREQ(strrchr(target, '/') + 1, unit);
}

/* An address that cannot be opened closes none of the others. */
static void test_further_addresses(void)
{
    _cleanup_generated_ Generated generated = generated_new();

    generate(&generated,
             "[mgmt]\nlistener=127.0.0.2:1\nlistener=[::1]:2\nlistener=[::1]:1\n"
             "listener=/run/a b/c-d.sock\nlistener=127.0.0.1:1\n" VERIFICATION("x"),
             socket_units_write);
    assert_generated(&generated, MGMT, SOCKET("ListenStream=127.0.0.2:1\n"));
    assert_generated(&generated, "acmems-mgmt-127.0.0.1:1.socket",
                     OWN_PLAIN("mgmt", "127.0.0.1:1", ""));
    assert_generated(&generated, "acmems-mgmt-::1:1.socket",
                     OWN_PLAIN("mgmt", "[::1]:1", "FreeBind=yes\n"));
    assert_generated(&generated, "acmems-mgmt-::1:2.socket",
                     OWN_PLAIN("mgmt", "[::1]:2", "FreeBind=yes\n"));
    assert_generated(&generated, "acmems-mgmt.unix-\\x2frun\\x2fa\\x20b\\x2fc\\x2dd.sock.socket",
                     OWN_PLAIN("mgmt", "/run/a b/c-d.sock", ""));
    assert_generated(&generated, "acmems-mgmt.socket.wants/acmems-mgmt-::1:1.socket",
                     OWN_PLAIN("mgmt", "[::1]:1", "FreeBind=yes\n"));
    assert_alias(&generated, "acmems-mgmt-::1:1.service", "acmems-mgmt.service");
    assert_alias(&generated, "acmems-mgmt-::1:1@.service", "acmems-mgmt@.service");
    assert_generated(&generated, "acmems-http01-:::1380.socket",
                     OWN_PLAIN("http01", "[::]:1380", ""));
}

/* The unit of an address is the same whatever other addresses come and go: systemd closes an
 * address that changes its unit. */
static void test_stable(void)
{
    static const char *const listeners[] = {
        "listener=127.0.0.5:1\nlistener=127.0.0.6:1\n",
        "listener=127.0.0.5:1\nlistener=127.0.0.1:1\nlistener=127.0.0.6:1\nlistener=/a\n",
        "listener=[fe80::1%eth0]:1\nlistener=127.0.0.5:1\nlistener=127.0.0.6:1\n",
        /* once more, in another spelling */
        "listener=127.0.0.5:1\nlistener=127.0.0.6:1\nlistener=127.0.0.5:01\n",
    };

    for (size_t i = 0; i < ELEMENTSOF(listeners); i++) {
        _cleanup_generated_ Generated generated = generated_new();
        char content[256];

        (void)snprintf(content, sizeof(content), "[mgmt]\n%s[verification v]\ntype=http01\n%s",
                       listeners[i], listeners[i]);
        generate(&generated, content, socket_units_write);
        assert_generated(&generated, MGMT, SOCKET("ListenStream=127.0.0.5:1\n"));
        assert_generated(&generated, HTTP01, SOCKET("ListenStream=127.0.0.5:1\n"));
        assert_generated(&generated, "acmems-mgmt-127.0.0.6:1.socket",
                         OWN_PLAIN("mgmt", "127.0.0.6:1", ""));
        assert_generated(&generated, "acmems-mgmt-127.0.0.5:1.socket", NULL);
    }
}

/* The name of a unit has 255 bytes at most, and does not depend on other paths. */
static void test_long_paths(void)
{
    static const char *const names[] = { "-3d4c2386.socket", "-65dc84a5.socket" };
    char path[100], unit[300] = "acmems-mgmt.unix-";

    memset(path, ' ', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 2] = 'x';
    path[sizeof(path) - 1] = '\0';
    (void)strcat(unit, "\\x2f");
    while (strlen(unit) < 192)
        (void)strcat(unit, "\\x20");
    unit[192] = '\0';
    for (size_t n = 1; n <= ELEMENTSOF(names); n++) {
        _cleanup_generated_ Generated generated = generated_new();
        char content[512], name[320];

        (void)snprintf(content, sizeof(content),
                       "[mgmt]\nlistener=127.0.0.1:1\n%s%s%slistener=%s\n",
                       n > 1 ? "listener=" : "", n > 1 ? path : "", n > 1 ? "a\n" : "", path);
        generate(&generated, content, socket_units_write);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
            (void)snprintf(name, sizeof(name), "%s%s", unit, names[i]);
            ASSERT_EQ(test_exists(generated.path, name), i < n);
        }
    }
}

static void test_programs(void)
{
    _cleanup_generated_ Generated generated = generated_new();

    generate(&generated,
             "[verification v]\ntype=tls-alpn01\n[verification w]\ntype=tls-alpn01\n"
             "listener=0.0.0.0:443\nlistener=[fe80::1%eth0]:443\n" VERIFICATION("x"),
             socket_units_write);
    assert_generated(&generated, TLSALPN01, SOCKET("ListenStream=0.0.0.0:443\n"));
    assert_generated(&generated, "acmems-tlsalpn01-eth0-fe80::1:443.socket",
                     OWN_LATE("tlsalpn01", "[fe80::1]:443", "eth0"));
    assert_generated(&generated, HTTP01, SOCKET("ListenStream=0.0.0.0:1380\n"));
}

static void test_interfaces(void)
{
    _cleanup_generated_ Generated generated = generated_new();

    generate(&generated,
             "[mgmt]\nlistener=[fe80::2%br-lan.5]:1\nlistener=127.0.0.1:1\n"
             "listener=[fe80::1%eth0]:1\n" VERIFICATION(
                 "v") "listener=[fe80::1%eth1]:1\nlistener=[fe80::1%eth0]:1\n",
             socket_units_write);
    assert_generated(&generated, MGMT, SOCKET("ListenStream=127.0.0.1:1\n"));
    assert_generated(&generated, "acmems-mgmt-eth0-fe80::1:1.socket",
                     OWN_LATE("mgmt", "[fe80::1]:1", "eth0"));
    assert_generated(&generated, "acmems-mgmt-br\\x2dlan.5-fe80::2:1.socket",
                     OWN_LATE("mgmt", "[fe80::2]:1", "br-lan.5"));

    /* The main socket has to listen somewhere. */
    assert_generated(&generated, HTTP01,
                     "\n[Unit]\n" LATE SOCKET("ListenStream=[fe80::1]:1\nBindToDevice=eth1\n"
                                              "FreeBind=yes\n"));
    assert_generated(&generated, "acmems-http01.socket.wants/acmems-http01-eth0-fe80::1:1.socket",
                     OWN_LATE("http01", "[fe80::1]:1", "eth0"));
}

static bool has_ipv6 = true;

/* Takes the place of libc's. */
int socket(int domain, int type, int protocol)
{
    if (domain == AF_INET6 && !has_ipv6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

/* A unit with an address of a family that the kernel lacks opens no socket. */
static void test_kernel_without_ipv6(void)
{
    static const struct {
        const char *listeners, *mgmt;
    } table[] = {
        { "", SOCKET("ListenStream=127.0.0.1:1313\n") },
        { "listener=[::1]:1\nlistener=/run/a\nlistener=[fe80::1%eth0]:1\n",
          SOCKET("ListenStream=/run/a\n") },
        { "listener=127.0.0.1:1\n", SOCKET("ListenStream=127.0.0.1:1\n") },
        /* systemd says why this one fails */
        { "listener=[::1]:1\n", SOCKET("ListenStream=[::1]:1\nFreeBind=yes\n") },
    };

    has_ipv6 = false;
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();
        char content[256];

        (void)snprintf(content, sizeof(content), "[mgmt]\n%s", table[i].listeners);
        generate(&generated, content, socket_units_write);
        assert_generated(&generated, MGMT, table[i].mgmt);
        assert_generated(&generated, "acmems-mgmt-eth0.socket", NULL);
        assert_generated(&generated, HTTP01, SOCKET("ListenStream=0.0.0.0:1380\n"));
    }
    has_ipv6 = true;
}

int main(void)
{
    test_drop_ins();
    test_further_addresses();
    test_stable();
    test_long_paths();
    test_programs();
    test_interfaces();
    test_kernel_without_ipv6();
    return 0;
}
