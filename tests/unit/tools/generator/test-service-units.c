/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator/service-units.h"

#include "test-units.h"

#define ORDERD        "acmems-orderd.service.d/50-acmems.conf"
#define ORDERD_SOCKET "acmems-orderd.socket.d/50-acmems.conf"

#define STORAGE(name, directory) "[storage " name "]\ntype=file\ndirectory=" directory "\n"
#define SERVICE(settings)        "\n[Service]\n" settings

/* Both ways to run a handler have the same sandbox. */
static void assert_handler(const Generated *generated, const char *name, const char *content)
{
    static const char *const formats[] = { ".service", "@.service" };

    for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
        char path[128];

        snprintf(path, sizeof(path), "acmems-%s%s.d/50-acmems.conf", name, formats[i]);
        assert_generated(generated, path, content);
    }
}

static void test_paths(void)
{
    static const struct {
        const char *content, *orderd, *mgmt;
    } table[] = {
        { "", NULL, NULL },
        /* below what the units have already */
        { "[account]\ndir=/var/lib/acmems//a\n[state]\ndirectory=/var/lib/acmems/\n" STORAGE(
              "s", "/var/lib/./acmems/s"),
          NULL, SERVICE("InaccessiblePaths=-/var/lib/acmems//a\n") },
        /* where a storage is in it, the account's rights have to do */
        { "[account]\ndir=/srv/a\n" STORAGE("s", "/srv/a/s"),
          SERVICE("ReadWritePaths=-/srv/a\nReadWritePaths=-/srv/a/s\n"),
          SERVICE("ReadOnlyPaths=-/srv/a/s\n") },
        { STORAGE("s", "/var/lib/acmems2"), SERVICE("ReadWritePaths=-/var/lib/acmems2\n"),
          SERVICE("ReadOnlyPaths=-/var/lib/acmems2\n") },
        { STORAGE("s", "/srv/s") STORAGE("t", "/srv/a b") STORAGE("u", "/srv/s"),
          SERVICE("ReadWritePaths=\"-/srv/a b\"\nReadWritePaths=-/srv/s\n"),
          SERVICE("ReadOnlyPaths=\"-/srv/a b\"\nReadOnlyPaths=-/srv/s\n") },
        /* what the sandboxes hide */
        { STORAGE("s", "/home/s") STORAGE("t", "/root/t") STORAGE("u", "/run/user/1/u"),
          SERVICE("ProtectHome=tmpfs\nBindPaths=-/home/s\nBindPaths=-/root/t\n"
                  "BindPaths=-/run/user/1/u\n"),
          SERVICE("ProtectHome=tmpfs\nBindReadOnlyPaths=-/home/s\nBindReadOnlyPaths=-/root/t\n"
                  "BindReadOnlyPaths=-/run/user/1/u\n") },
        { STORAGE("s", "/tmp/s") STORAGE("t", "/var/tmp/t"),
          SERVICE("BindPaths=-/tmp/s\nBindPaths=-/var/tmp/t\n"),
          SERVICE("BindReadOnlyPaths=-/tmp/s\nBindReadOnlyPaths=-/var/tmp/t\n") },
        { STORAGE("s", "/run/s") STORAGE("t", "/run/acmems/t"), SERVICE("ReadWritePaths=-/run/s\n"),
          SERVICE("BindReadOnlyPaths=-/run/acmems/t\nBindReadOnlyPaths=-/run/s\n") },
        /* the account and its CA are for orderd alone */
        { "[account]\ndir=/srv/account\nca-file=/etc/ca.pem\n",
          SERVICE("ReadWritePaths=-/srv/account\nReadOnlyPaths=-/etc/ca.pem\n"),
          SERVICE("InaccessiblePaths=-/srv/account\n") },
        { "[account]\ndir=/srv/b\n[account x]\ndir=/srv/a\nca-file=/etc/x.pem\n[account y]\n",
          SERVICE("ReadWritePaths=-/srv/a\nReadWritePaths=-/srv/b\nReadOnlyPaths=-/etc/x.pem\n"),
          SERVICE("InaccessiblePaths=-/srv/b\nInaccessiblePaths=-/srv/a\n") },
        { "[account]\nca-file=/root/ca.pem\n",
          SERVICE("ProtectHome=tmpfs\nBindReadOnlyPaths=-/root/ca.pem\n"), NULL },
        { "[account]\nca-file=/var/lib/acmems/ca.pem\n", NULL, NULL },
        { "[state]\ndirectory=/srv/state\n",
          SERVICE("ReadWritePaths=-/srv/state\nReadWritePaths=-/srv/state/account\n"),
          SERVICE("ReadOnlyPaths=-/srv/state/revoked-keys\n"
                  "InaccessiblePaths=-/srv/state/account\n") },
        /* a storage that was refused */
        { "[storage s]\ntype=file\n", NULL, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();

        generate(&generated, table[i].content, service_units_write);
        assert_generated(&generated, ORDERD, table[i].orderd);
        assert_handler(&generated, "mgmt", table[i].mgmt);
        assert_generated(&generated, ORDERD_SOCKET, NULL);
    }
}

#define TSIG(file)   "[verification v]\ntype=dns01-dnsUpdate\ntsig-key-file=" file "\n"
#define HIDDEN(file) SERVICE("InaccessiblePaths=-" file "\n")

/* No handler sees a key file, whatever its mode is. */
static void test_key_files(void)
{
    static const struct {
        const char *content, *orderd, *mgmt, *others;
    } table[] = {
        { "[account]\neab-kid=k\neab-hmac-key-file=/srv/eab.key\n",
          SERVICE("ReadOnlyPaths=-/srv/eab.key\n"), HIDDEN("/srv/eab.key"),
          HIDDEN("/srv/eab.key") },
        { TSIG("/srv/tsig.key"), SERVICE("ReadOnlyPaths=-/srv/tsig.key\n"), HIDDEN("/srv/tsig.key"),
          HIDDEN("/srv/tsig.key") },
        { TSIG("/etc/acmems/tsig.key"), SERVICE("ReadOnlyPaths=-/etc/acmems/tsig.key\n"),
          HIDDEN("/etc/acmems/tsig.key"), HIDDEN("/etc/acmems/tsig.key") },
        { TSIG("/var/lib/acmems/tsig.key"), NULL, HIDDEN("/var/lib/acmems/tsig.key"),
          HIDDEN("/var/lib/acmems/tsig.key") },
        { "[account]\ndir=/srv/account\n", SERVICE("ReadWritePaths=-/srv/account\n"),
          HIDDEN("/srv/account"), HIDDEN("/srv/account") },
        /* hidden by the units */
        { "[account x]\n", NULL, NULL, NULL },
        { TSIG("/etc/acmems/keys/tsig"), SERVICE("ReadOnlyPaths=-/etc/acmems/keys/tsig\n"), NULL,
          NULL },
        { TSIG("/root/tsig"), SERVICE("ProtectHome=tmpfs\nBindReadOnlyPaths=-/root/tsig\n"), NULL,
          NULL },
        /* visible again because of a storage */
        { STORAGE("s", "/tmp/s") TSIG("/tmp/s/tsig"),
          SERVICE("BindPaths=-/tmp/s\nBindReadOnlyPaths=-/tmp/s/tsig\n"),
          SERVICE("BindReadOnlyPaths=-/tmp/s\nInaccessiblePaths=-/tmp/s/tsig\n"), NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();

        generate(&generated, table[i].content, service_units_write);
        assert_generated(&generated, ORDERD, table[i].orderd);
        assert_handler(&generated, "mgmt", table[i].mgmt);
        assert_handler(&generated, "http01", table[i].others);
        assert_handler(&generated, "tlsalpn01", table[i].others);
    }
}

static void test_runtime_directory(void)
{
    static const struct {
        const char *directory, *socket, *orderd, *mgmt, *http01;
    } table[] = {
        { "/run/acmems/", NULL, NULL, NULL, NULL },
        { "/srv/50% run", "\n[Socket]\nListenStream=\nListenStream=/srv/50%% run/orderd.sock\n",
          SERVICE("ReadWritePaths=\"-/srv/50%% run\"\n"),
          SERVICE("BindReadOnlyPaths=\"-/srv/50%% run\"\n"
                  "InaccessiblePaths=\"-/srv/50%% run/challenges\"\n"),
          SERVICE("Environment=\"ACMEMS_CHALLENGES=/srv/50%% run/challenges/http-01\"\n"
                  "BindReadOnlyPaths=\"-/srv/50%% run/challenges/http-01\"\n") },
        { "/home/r", "\n[Socket]\nListenStream=\nListenStream=/home/r/orderd.sock\n",
          SERVICE("ProtectHome=tmpfs\nBindPaths=-/home/r\n"),
          SERVICE("ProtectHome=tmpfs\nBindReadOnlyPaths=-/home/r\n"
                  "InaccessiblePaths=-/home/r/challenges\n"),
          SERVICE("Environment=ACMEMS_CHALLENGES=/home/r/challenges/http-01\n"
                  "ProtectHome=tmpfs\nBindReadOnlyPaths=-/home/r/challenges/http-01\n") },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();
        char content[128];

        snprintf(content, sizeof(content), "[state]\nruntime-directory=%s\n", table[i].directory);
        generate(&generated, content, service_units_write);
        assert_generated(&generated, ORDERD_SOCKET, table[i].socket);
        assert_generated(&generated, ORDERD, table[i].orderd);
        assert_handler(&generated, "mgmt", table[i].mgmt);
        assert_handler(&generated, "http01", table[i].http01);
    }
}

static void test_passthrough(void)
{
    static const struct {
        const char *content, *tlsalpn01;
    } table[] = {
        { "[verification v]\ntype=tls-alpn01\nlistener=0.0.0.0:443\n", NULL },
        { "[verification v]\ntype=tls-alpn01\nlistener=0.0.0.0:443\n"
          "passthrough=127.0.0.1:8443\n",
          SERVICE("Environment=\"ACMEMS_PASSTHROUGH=127.0.0.1:8443\"\nPrivateNetwork=no\n"
                  "RestrictAddressFamilies=AF_INET\nSystemCallFilter=connect\nIPAddressDeny=any\n"
                  "IPAddressAllow=127.0.0.1\nRuntimeMaxSec=infinity\n") },
        { "[state]\nruntime-directory=/srv/r\n[verification v]\ntype=tls-alpn01\n"
          "listener=0.0.0.0:443\npassthrough=[2001:db8::1]:443\n",
          SERVICE("Environment=ACMEMS_CHALLENGES=/srv/r/challenges/tls-alpn-01\n"
                  "BindReadOnlyPaths=-/srv/r/challenges/tls-alpn-01\n"
                  "Environment=\"ACMEMS_PASSTHROUGH=[2001:db8::1]:443\"\nPrivateNetwork=no\n"
                  "RestrictAddressFamilies=AF_INET6\nSystemCallFilter=connect\nIPAddressDeny=any\n"
                  "IPAddressAllow=2001:db8::1\nRuntimeMaxSec=infinity\n") },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_generated_ Generated generated = generated_new();

        generate(&generated, table[i].content, service_units_write);
        assert_handler(&generated, "tlsalpn01", table[i].tlsalpn01);
    }
}

int main(void)
{
    ASSERT_OK(unsetenv("ACME_CAFILE"));
    test_paths();
    test_key_files();
    test_runtime_directory();
    test_passthrough();
    return 0;
}
