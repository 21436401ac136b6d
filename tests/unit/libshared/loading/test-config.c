/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/clock.h"
#include "loading/dropins.h"
#include "loading/load.h"
#include "test.h"

#define MAIN    "main.ini"
#define DROPINS "main.d"

/* The findings as text, one line each. */
typedef struct Heard {
    char text[8192];
    size_t length;
    unsigned count;
} Heard;

static void hear(int level, const char *file, unsigned line, const char *text, void *userdata)
{
    Heard *heard = userdata;
    int n = snprintf(heard->text + heard->length, sizeof(heard->text) - heard->length,
                     "%s:%u: %s: %s\n", file, line, level == LOG_ERR ? "error" : "warning", text);

    heard->count++;
    if ((size_t)n < sizeof(heard->text) - heard->length)
        heard->length += (size_t)n;
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "we");

    ASSERT_TRUE(file);
    ASSERT_TRUE(fputs(content, file) >= 0);
    ASSERT_OK(fclose(file));
}

/* Loads a valid configuration with these findings; NULL: none. */
static Config *load(const char *content, const char *expected)
{
    Heard heard = { 0 };
    Config *config = NULL;

    write_file(MAIN, content);
    ASSERT_OK(config_load(MAIN, hear, &heard, &config));
    ASSERT_STREQ(heard.text, expected ? expected : "");
    return config;
}

static void refuse(const char *content, const char *expected)
{
    Heard heard = { 0 };
    Config *config = NULL;

    write_file(MAIN, content);
    ASSERT_EQ(config_load(MAIN, hear, &heard, &config), -EINVAL);
    ASSERT_TRUE(!config);
    ASSERT_STREQ(heard.text, expected);
}

#define E(line) MAIN ":" line ": error: "
#define W(line) MAIN ":" line ": warning: "
#define SHOWN(line, key)                                                                           \
    W(line)                                                                                        \
    "acmems-sign, which serves clients, can read " key " here; move the key to a file in "         \
    "/etc/acmems/keys, and name it with " key "-file\n"
#define AUTH              "[auth \"a\"]\n"
#define AUTH_IP           AUTH "ip=192.0.2.1\n"
#define HMAC              "hmac_type=sha256\nhmac_key=sixteen bytes of\n"
#define DNSUPDATE         "[verification v]\ntype=dns01-dnsUpdate\n"
#define TLSALPN           "[verification t]\ntype=tls-alpn01\n"
#define OBSOLETE          " is obsolete and ignored; messages go to the journal, see journalctl(1)\n"
#define PERMITS           "domain=www.example.org\n"
#define QUOTES(line, key) W(line) "the quotes are part of the value of " key "; delete them\n"
#define COMMENT(line, mark, key)                                                                   \
    W(line)                                                                                        \
    "'" mark "' and the text after it are part of the value of " key                               \
    "; write a comment in a line of its own\n"
#define NEVER(value)                                                                               \
    W("3")                                                                                         \
    "domain = '" value "' never matches; write one name such as www.example.org, or one "          \
    "pattern such as *.example.org, and non-ASCII names as xn--…\n"
#define FULL_AUTH AUTH_IP "domain=a.example.org\n"

static void test_refused(void)
{
    static const struct {
        const char *content, *heard;
    } table[] = {
        /* lines and sections */
        { "[mgmt]\nmax-size 4k\n",
          E("2") "the line has no '='; write key = value, or # before a comment\n" },
        { "a=b\n", E("1") "'a' is outside of any section; write a [section] header above it\n" },
        { "[mgmt]\n[state]\n[mgmt]\n",
          E("3") "[mgmt] is already defined in main.ini:1; move the keys there\n" },
        { FULL_AUTH FULL_AUTH, E("4") "[auth \"a\"] is already defined in main.ini:1; rename this "
                                      "block, or move its keys there\n" },
        { "[auth]\nip=192.0.2.1\n", E("1") "[auth] has no name; write [auth \"name\"]\n" },
        { "[mgmt \"x\"]\n", E("1") "[mgmt] takes no name; write only [mgmt]\n" },

        /* single-valued keys twice, in any spelling */
        { "[mgmt]\nmax-size=1k\n\nmax_size=1k\n",
          E("4") "max-size is already set in main.ini:2; delete one of the two\n" },
        { AUTH_IP "hmac_key=sixteen bytes of\nhmac-key=y\nhmac_type=sha256\ndomain=d\n",
          E("4") "hmac_key is already set in main.ini:3; delete one of the two\n" },
        { AUTH "all=yes\nall=yes\ndomain=d\n",
          E("3") "all is already set in main.ini:2; delete one of the two\n" },

        /* unknown keys and types */
        { "[account]\nacme-sever=https://ca.example.org/\n",
          E("2") "unknown key 'acme-sever' in [account]; did you mean 'acme-server'?\n" },
        { "[account]\nfoo=bar\n",
          E("2") "unknown key 'foo' in [account]; delete the line, or see acmems.ini(5)\n" },
        { AUTH "ip=192.0.2.1\ndomian=a.example.org\ndomain=b\n",
          E("3") "unknown key 'domian' in [auth \"a\"]; did you mean 'domain'?\n" },
        { AUTH "ip=192.0.2.1\ndomain=b\nfoo=bar\n",
          E("4") "unknown key 'foo' in [auth \"a\"]; delete the line, or see acmems.ini(5)\n" },
        { AUTH "ip=192.0.2.1\ndomain=b\nhmac_key: c2VjcmV0=\n",
          E("4") "unknown key 'hmac_key' in [auth \"a\"]; delete the line, or see "
                 "acmems.ini(5)\n" },
        { AUTH "ip=192.0.2.1\ndomain=b\nIP=192.0.2.2\n",
          E("4") "unknown key 'IP' in [auth \"a\"]; delete the line, or see acmems.ini(5)\n" },
        { "[storage s]\ntype=file\ndirectory=/s\nrenew-witin=3\n",
          E("4") "unknown key 'renew-witin' in [storage \"s\"]; did you mean 'renew-within'?\n" },
        { "[storage s]\ntype=none\ndirectory=/s\n",
          E("3") "'directory' is not a key of type none in [storage \"s\"]; delete the line\n" },
        { "[storage s]\ntype=redis\ndirectory=/s\n",
          E("2") "unknown type 'redis' in [storage \"s\"]; write none or file\n" },
        { "[verification v]\ntype=http02\n",
          E("2") "unknown type 'http02' in [verification \"v\"]; write http01, dns01-dnsUpdate or "
                 "tls-alpn01\n" },
        { TLSALPN "passthrough=www.example.org:443\n",
          E("3") "passthrough = 'www.example.org:443' is not an address with a port; write "
                 "127.0.0.1:8443 or [2001:db8::1]:8443, not a name\n" },
        { TLSALPN "passthrough=127.0.0.1\n",
          E("3") "passthrough = '127.0.0.1' is not an address with a port; write 127.0.0.1:8443 or "
                 "[2001:db8::1]:8443, not a name\n" },
        { TLSALPN "passthrough=/run/x.sock\n",
          E("3") "passthrough = '/run/x.sock' is not an address with a port; write 127.0.0.1:8443 "
                 "or [2001:db8::1]:8443, not a name\n" },
        { TLSALPN "passthrough=[fe80::1%eth0]:443\n",
          E("3") "passthrough = '[fe80::1%eth0]:443' is not an address with a port; write "
                 "127.0.0.1:8443 or [2001:db8::1]:8443, not a name\n" },
        { TLSALPN "listener=127.0.0.1:443\npassthrough=127.0.0.1:443\n",
          E("1") "passthrough of [verification \"t\"] leads back to a listener; write the address "
                 "of the TLS server behind it\n" },
        { TLSALPN "listener=[::]:443\npassthrough=[::1]:443\n",
          E("1") "passthrough of [verification \"t\"] leads back to a listener; write the address "
                 "of the TLS server behind it\n" },
        { TLSALPN "listener=127.0.0.1:443\npassthrough=192.0.2.1:443\n[verification "
                  "u]\ntype=tls-alpn01\npassthrough=192.0.2.2:443\n",
          E("5") "passthrough of [verification \"u\"] differs from " MAIN
                 ":1, but one program serves both; write the same address and "
                 "passthrough-proxy-protocol\n" },
        { TLSALPN
          "listener=127.0.0.1:443\npassthrough=192.0.2.1:443\n[verification "
          "u]\ntype=tls-alpn01\npassthrough=192.0.2.1:443\npassthrough-proxy-protocol=yes\n",
          E("5") "passthrough of [verification \"u\"] differs from " MAIN
                 ":1, but one program serves both; write the same address and "
                 "passthrough-proxy-protocol\n" },
        { "[verification h]\ntype=http01\n" TLSALPN "passthrough=192.0.2.1:443\n",
          E("3") "passthrough of [verification \"t\"] has no effect, because no block of type "
                 "tls-alpn01 has a listener; add a listener, or delete passthrough\n" },
        { TLSALPN "listener=\npassthrough=192.0.2.1:443\n",
          E("1") "passthrough of [verification \"t\"] has no effect, because no block of type "
                 "tls-alpn01 has a listener; add a listener, or delete passthrough\n" },
        { TLSALPN "listener=localhost:443\npassthrough=192.0.2.1:443\n",
          E("3") "listener = 'localhost:443' is not an address to listen on; write 192.0.2.1:1313, "
                 "[2001:db8::1]:1313 or /run/name.sock\n" },
        { "[verification v]\ntyp=http01\n",
          E("2") "unknown key 'typ' in [verification \"v\"]; did you mean 'type'?\n" },
        { "[verification v]\n",
          E("1") "[verification \"v\"] has no type; write type = … as its first line\n" },
        { "[storage s]\ndirectory=/s\ntype=file\n",
          E("2") "type must come first in [storage \"s\"]; move it before 'directory'\n" },
        { "[storage s]\ntype=file\n", E("1") "[storage \"s\"] has no directory; add one, such as "
                                             "directory = /var/lib/acmems/storage\n" },

        { "[mgmt]\nserver-name=acmems:1313\n",
          E("2") "server-name = 'acmems:1313' is not a host; write the name or the address that "
                 "clients use in the URL, without a port\n" },
        { "[mgmt]\nserver-name=\n",
          E("2") "server-name = '' is not a host; write the name or the address that clients use "
                 "in the URL, without a port\n" },

        /* which clients */
        { AUTH "domain=d\n", E("1") "[auth \"a\"] does not say which clients may use it; add ip, "
                                    "or hmac_type and hmac_key, or all = yes for every client\n" },
        { AUTH "all=true\ndomain=d\n",
          E("2") "all can only be yes; write all = yes, or delete the line\n" },
        { AUTH "hmac_key=sixteen bytes of\ndomain=d\n",
          E("1") "[auth \"a\"] has hmac_key without hmac_type; add hmac_type = sha256\n" },
        { AUTH_IP "hmac-max-age=300\ndomain=d\n",
          E("1") "[auth \"a\"] has hmac-max-age without hmac_key; add hmac_type and hmac_key, or "
                 "delete hmac-max-age\n" },
        { AUTH HMAC "hmac-max-age=0\ndomain=d\n",
          E("4") "hmac-max-age = '0' is not a number of seconds from 1 to 86400\n" },
        { AUTH HMAC "hmac-max-age=86401\ndomain=d\n",
          E("4") "hmac-max-age = '86401' is not a number of seconds from 1 to 86400\n" },
        { AUTH "hmac_type=sha256\ndomain=d\n",
          E("1") "[auth \"a\"] has hmac_type without hmac_key; add hmac_key\n" },
        { AUTH "hmac_type=sha256\nhmac_key=\ndomain=d\n",
          E("3") "hmac_key is empty, so any client could compute the HMAC; write a long random "
                 "key\n" },
        { AUTH "hmac_type=sha256\nhmac_key=seven 7\ndomain=d\n",
          E("3") "hmac_key has only 7 bytes, so an attacker who records one request can try all "
                 "keys; "
                 "write a key of at least 16 bytes, made with openssl rand -hex 32\n" },
        { "[account]\npreferred-chain =\n",
          E("2") "preferred-chain is empty; write a name, or delete the line\n" },
        { AUTH_IP "domain=d\nprofile=\n",
          E("4") "profile is empty; write a name, or delete the line\n" },
        { AUTH_IP "domain=d\nip-san=192.0.2.1/24\n",
          E("4") "ip-san = '192.0.2.1/24' has host bits set; write 192.0.2.0/24, or 192.0.2.1 for "
                 "the one host\n" },
        { AUTH_IP "domain=d\nip-san=any\n",
          E("4") "ip-san = 'any' is not an address or prefix; write 192.0.2.1, 192.0.2.0/24 or "
                 "2001:db8::/32\n" },
        { AUTH "hmac_type=md5\nhmac_key=sixteen bytes of\ndomain=d\n",
          E("2") "hmac_type = 'md5' is insecure and not accepted; write sha256\n" },
        { AUTH "hmac_type=SHA-1\nhmac_key=sixteen bytes of\ndomain=d\n",
          E("2") "hmac_type = 'SHA-1' is insecure and not accepted; write sha256\n" },
        { AUTH "hmac_type=whirlpool\nhmac_key=sixteen bytes of\ndomain=d\n",
          E("2") "hmac_type = 'whirlpool' is not a known digest; write sha256, or sha224, sha384, "
                 "sha512, sha3-224, sha3-256, sha3-384, sha3-512\n" },
        { AUTH "ip=192.0.2.1/24\ndomain=d\n",
          E("2") "ip = '192.0.2.1/24' has host bits set; write 192.0.2.0/24, or 192.0.2.1 for the "
                 "one host\n" },
        { AUTH "ip=localhost\ndomain=d\n",
          E("2") "ip = 'localhost' is not an address or prefix; write 192.0.2.1, 192.0.2.0/24 or "
                 "2001:db8::/32\n" },

        /* names and referenced blocks */
        { AUTH_IP "domain=\n",
          E("3") "domain is empty; write a name such as www.example.org, or delete the line\n" },
        { "[account \"x\"]\n[account \"y\"]\n" FULL_AUTH,
          E("3") "[auth \"a\"] does not say which account it uses; add account = … to it\n" },
        { FULL_AUTH "account = x\n",
          E("4") "there is no [account \"x\"]; define it, or name another\n" },
        { "[account \"x\"]\n[account \"y\"]\n" FULL_AUTH "account = x, y, x\n",
          E("6") "account names 'x' twice; delete one of the two\n" },
        { "[verification \"x\"]\ntype = http01\n" FULL_AUTH "verification = x, x\n",
          E("6") "verification names 'x' twice; delete one of the two\n" },
        { "[mgmt]\ndefault-verification = x,y,x\n[verification \"x\"]\ntype = "
          "http01\n[verification \"y\"]\ntype = http01\n" FULL_AUTH,
          E("2") "default-verification names 'x' twice; delete one of the two\n" },
        { FULL_AUTH "verification = x, x\n",
          E("4") "there is no [verification \"x\"]; define it, or name another\n" E(
              "4") "verification names 'x' twice; delete one of the two\n" },
        { "[account \"x\"]\n" FULL_AUTH "account = x,,x\n",
          E("5") "account has an empty name; write the name of a block, or delete the line to use "
                 "the default\n" },
        { "[account \"x\"]\n" FULL_AUTH "account = x,\n",
          E("5") "account has an empty name; write the name of a block, or delete the line to use "
                 "the default\n" },
        { "[account \"x/y\"]\n",
          E("1") "the name of [account \"x/y\"] cannot be a directory name; add dir = …, or use a "
                 "name of letters, digits, ., _ and -\n" },
        { "[account]\n[account \"x\"]\ndir = /var/lib/acmems/account\n",
          E("2") "[account \"x\"] uses the directory of another account, "
                 "'/var/lib/acmems/account'; give it its own\n" },
        { "[account \"x\"]\neab-kid = k\n",
          E("2") "eab-kid is set without its key; add eab-hmac-key-file\n" },
        { "[storage \"s\"]\ntype=none\nprefetch=yes\n",
          E("3") "'prefetch' is not a key of type none in [storage \"s\"]; delete the line\n" },
        { "[storage \"s\"]\ntype=file\ndirectory=/s\nprefetch=perhaps\nprefetch-forget=0\n",
          E("4") "prefetch = 'perhaps' is neither yes nor no\n" E(
              "5") "prefetch-forget = '0' is not a number of days from 1 to 3650\n" },
        { FULL_AUTH "storage=gone\n",
          E("4") "there is no [storage \"gone\"]; define it, or name another\n" },
        { FULL_AUTH "verification=gone\n",
          E("4") "there is no [verification \"gone\"]; define it, or name another\n" },
        { FULL_AUTH "verification=\n", E("4") "verification has an empty name; write the name of a "
                                              "block, or delete the line to use the default\n" },
        { "[mgmt]\ndefault-storage=file\n" FULL_AUTH,
          E("2") "there is no [storage \"file\"]; define it, or name another\n" },
        { "[mgmt]\ndefault-verification=\n" FULL_AUTH,
          E("3") "[auth \"a\"] permits names but has no verification; add verification = … to it, "
                 "or default-verification = … to [mgmt]\n" },
        { "[mgmt]\ndefault-storage=\n" FULL_AUTH,
          E("3") "[auth \"a\"] permits names but has no storage; add storage = … to it, or "
                 "default-storage = … to [mgmt]\n" },

        /* values */
        { "[account]\nacme-server=http://ca.example.org/\n",
          E("2") "acme-server = 'http://ca.example.org/' is not an https:// URL, which ACME "
                 "requires; write the URL of the CA's directory\n" },
        { "[account]\nacme-server=https://\n",
          E("2") "acme-server = 'https://' is not an https:// URL, which ACME requires; write the "
                 "URL of the CA's directory\n" },
        { "[account]\ncontact = you\n",
          E("2") "contact = 'you' is not an e-mail address; write you@example.org\n" },
        { "[account]\naccept-terms-of-service=maybe\n",
          E("2") "accept-terms-of-service = 'maybe' is neither yes nor a URL; write yes, or the "
                 "URL of the terms that you accept\n" },
        { "[account]\ndir=account\n",
          E("2") "dir = 'account' is not an absolute path; start it with /\n" },
        { "[state]\ndirectory=/srv/../acmems\n",
          E("2") "directory = '/srv/../acmems' cannot be used in a systemd unit; remove '..', "
                 "control characters and a trailing backslash\n" },
        { "[state]\ndirectory=\n",
          E("2") "directory = '' is not an absolute path; start it with /\n" },
        { "[mgmt]\nlistener=1313\n",
          E("2") "listener = '1313' is not an address to listen on; write 192.0.2.1:1313, "
                 "[2001:db8::1]:1313 or /run/name.sock\n" },
        { "[mgmt]\nlistener=\nmgmt=127.0.0.1:1313\n",
          E("3") "an empty listener disables listening, but others are set; delete the empty one "
                 "or the others\n" },
        { "[mgmt]\nmgmt=127.0.0.1:1313\nlistener=\n",
          E("3") "an empty listener disables listening, but others are set; delete the empty one "
                 "or the others\n" },
        { "[verification v]\ntype=dns01-dnsUpdate\nttl=1h\n",
          E("3") "ttl = '1h' is not a number of seconds from 0 to 2147483647\n" },
        { "[account]\norder-timeout=4h\norders-per-3h=-1\n",
          E("2") "order-timeout = '4h' is not a number of seconds from 0 to 604800\n" E(
              "3") "orders-per-3h = '-1' is not a number from 0 to 10000\n" },
        { "[verification v]\ntype=dns01-dnsUpdate\ndns-server=ns.example.org\n",
          E("3") "dns-server = 'ns.example.org' is not an address; write 192.0.2.53, 192.0.2.53:53 "
                 "or [2001:db8::53]:53\n" },
        { DNSUPDATE "dns-server=[192.0.2.53]:53\n",
          E("3") "dns-server = '[192.0.2.53]:53' is not an address; write 192.0.2.53, "
                 "192.0.2.53:53 or [2001:db8::53]:53\n" },
        { DNSUPDATE "dns-server=[fe80::1]:53\nresolver=fe80::1\n",
          E("3") "dns-server = '[fe80::1]:53' is a link-local address without an interface; write "
                 "fe80::53%eth0 or [fe80::53%eth0]:53\n" E(
                     "4") "resolver = 'fe80::1' is a link-local address without an interface; "
                          "write fe80::53%eth0 or [fe80::53%eth0]:53\n" },
        { DNSUPDATE "resolver=2001:db8::1%eth0\n",
          E("3") "resolver = '2001:db8::1%eth0' has an interface, but only link-local addresses "
                 "(fe80::) take one; delete % and what follows\n" },
        { DNSUPDATE "resolver=192.0.2.53:0\n",
          E("3") "resolver = '192.0.2.53:0' is not an address; write 192.0.2.53, 192.0.2.53:53 or "
                 "[2001:db8::53]:53\n" },
        { DNSUPDATE "zone=example..org\n", E("3") "zone = 'example..org' is not a zone name; write "
                                                  "example.org, and non-ASCII names as xn--…\n" },
        { DNSUPDATE "zone=.\n", E("3") "zone = '.' is not a zone name; write example.org, and "
                                       "non-ASCII names as xn--…\n" },
        { DNSUPDATE "tsig-key=c2VjcmV0\n",
          SHOWN("3", "tsig-key")
              E("3") "tsig-key cannot be used: it is not algorithm:name:secret; write "
                     "hmac-sha256:NAME:SECRET\n" },
        { DNSUPDATE "tsig-key=hmac-sha224:k:c2VjcmV0\n",
          SHOWN("3", "tsig-key") E(
              "3") "tsig-key cannot be used: its algorithm hmac-sha224 is not supported, create a "
                   "key for hmac-sha256 or hmac-sha512; write hmac-sha256:NAME:SECRET\n" },
        { DNSUPDATE "tsig-key=hmac-sha384:k:c2VjcmV0\n",
          SHOWN("3", "tsig-key") E(
              "3") "tsig-key cannot be used: its algorithm hmac-sha384 is not supported, create a "
                   "key for hmac-sha256 or hmac-sha512; write hmac-sha256:NAME:SECRET\n" },
        { DNSUPDATE "tsig-key-file=hmac-sha256:k:c2VjcmV0\n",
          E("3") "tsig-key-file is not an absolute path; start it with /\n" },
        { DNSUPDATE "tsig-key=sha256:k:c2VjcmV0\ntsig-key-file=/k\n",
          E("4") "tsig-key-file conflicts with tsig-key in " MAIN ":3; delete one of the two\n" },
        { DNSUPDATE "label=yes\n", E("3") "label = 'yes' is neither none nor account\n" },
        { DNSUPDATE "sign-queries=maybe\n",
          E("3") "sign-queries = 'maybe' is neither yes nor no\n" },
        { DNSUPDATE "sign-queries=yes\n",
          E("3") "sign-queries = yes needs a key; add tsig-key-file, or delete the line\n" },
        { DNSUPDATE "propagation-check=maybe\n",
          E("3") "propagation-check = 'maybe' is neither authoritative nor none\n" },
        { DNSUPDATE "propagation-timeout=0\n",
          E("3") "propagation-timeout = '0' is not a number of seconds from 1 to 86400\n" },
        { "[account]\neab-kid=\neab-hmac-key=c2VjcmV0\n",
          E("2") "eab-kid is empty; write the key identifier that the CA gave you\n" SHOWN(
              "3", "eab-hmac-key") },
        { "[account]\neab-kid=\xfc\neab-hmac-key-file=/k\n",
          E("2") "eab-kid is not UTF-8; save the file as UTF-8\n" },
        { "[account]\nprofile=\xfc\n", E("2") "profile is not UTF-8; save the file as UTF-8\n" },
        { "[account]\neab-kid=k\neab-hmac-key=c2VjcmV0!\n",
          SHOWN("3", "eab-hmac-key")
              E("3") "eab-hmac-key is not base64url; write the HMAC key as the CA gave it\n" },
        { "[account]\neab-kid=k\neab-hmac-key=\n",
          SHOWN("3", "eab-hmac-key")
              E("3") "eab-hmac-key is not base64url; write the HMAC key as the CA gave it\n" },
        { "[account]\neab-kid=k\neab-hmac-key-file=c2VjcmV0\n",
          E("3") "eab-hmac-key-file is not an absolute path; start it with /\n" },
        { "[account]\neab-kid=k\n",
          E("2") "eab-kid is set without its key; add eab-hmac-key-file\n" },
        { "[account]\neab-hmac-key-file=/k\n",
          E("2") "the HMAC key is set without eab-kid; add the key identifier that the CA gave you "
                 "with it\n" },
        { "[account]\neab-kid=k\neab-hmac-key=c2VjcmV0\neab-hmac-key-file=/k\n",
          E("4") "eab-hmac-key-file conflicts with eab-hmac-key in " MAIN
                 ":3; delete one of the two\n" },
        { "[acount]\nacme-server=https://ca.test/dir\n",
          E("1") "unknown section [acount]; did you mean [account]?\n" },
        { "[verificaton \"dns\"]\ntype=http01\n",
          E("1") "unknown section [verificaton]; did you mean [verification]?\n" },
        { "[Mgmt]\nmax-size=junk\n", E("1") "unknown section [Mgmt]; did you mean [mgmt]?\n" },
        { "[logging]\nlevel=loud\n", E("2") "level = 'loud' is not a log level; write debug, info, "
                                            "warning, error or critical\n" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        refuse(table[i].content, table[i].heard);
}

static void test_warned(void)
{
    static const struct {
        const char *content, *heard;
    } table[] = {
        { "[setup]\nplugin=x\ninclude-path=/y\n",
          W("1") "[setup] is obsolete and ignored; delete it\n" },
        { AUTH HMAC "hmac-max-age=300\ndomain=d\n[auth \"b\"]\n" HMAC "domain=e\n",
          W("6") "[auth \"b\"] has the hmac_key of [auth \"a\"], but no hmac-max-age, so it "
                 "permits "
                 "old requests; set it here, too, or use another key\n" },
        { "[something]\n", W("1") "unknown section [something] is ignored\n" },
        { "[mgmt]\nmaxsize=1\n",
          W("2") "unknown key 'maxsize' in [mgmt]; did you mean 'max-size'?\n" },
        { DNSUPDATE "tsig-key=hmac-md5:k:c2VjcmV0\n",
          SHOWN("3", "tsig-key")
              W("3") "tsig-key uses hmac-md5, which is outdated; create a key for hmac-sha256\n" },
        { DNSUPDATE "tsig-key=sha1:k:c2VjcmV0\n",
          SHOWN("3", "tsig-key")
              W("3") "tsig-key uses hmac-sha1, which is outdated; create a key for hmac-sha256\n" },
        { "[verification v]\ntype=http01\nttl=5\n",
          W("3") "'ttl' is not a key of type http01 in [verification \"v\"]; delete the line\n" },
        { "[verification v]\ntype=http01\npassthrough=192.0.2.1:443\n",
          W("3") "'passthrough' is not a key of type http01 in [verification \"v\"]; delete the "
                 "line\n" },
        { TLSALPN "passthrough-proxy-protocol=yes\n",
          W("1") "passthrough-proxy-protocol of [verification \"t\"] has no effect without "
                 "passthrough; add passthrough, or delete it\n" },
        { "[verification v]\ntype=dns01-dnsUpdate\ndns-server=192.0.2.1\nproxy-protocol=::1\n",
          W("4") "'proxy-protocol' is not a key of type dns01-dnsUpdate in [verification \"v\"]; "
                 "delete the line\n" },
        { "[logging]\ndestination=syslog\nformat=%m\nconfig-file=/x\nlevel=info\n",
          W("2") "destination" OBSOLETE W("3") "format" OBSOLETE W("4") "config-file" OBSOLETE },
        { AUTH "hmac_type=sha256\nhmac_key=eight 78\ndomain=d\n",
          W("3") "hmac_key has only 8 bytes, so an attacker who records one request may guess it; "
                 "write a key of at least 16 bytes, made with openssl rand -hex 32\n" },
        { AUTH "hmac_type=sha256\nhmac_key=fifteen bytes 5\ndomain=d\n",
          W("3") "hmac_key has only 15 bytes, so an attacker who records one request may guess it; "
                 "write a key of at least 16 bytes, made with openssl rand -hex 32\n" },
        { AUTH "hmac_type=sha256\nhmac_key=sixteen bytes 56\ndomain=d\n", "" },
        { AUTH_IP, W("1") "[auth \"a\"] has neither domain nor ip-san; it permits nothing\n" },
        { AUTH_IP "domain=a.example.org, b.example.org\n", NEVER("a.example.org, b.example.org") },
        { AUTH_IP "domain=example.org.\n", NEVER("example.org.") },
        { AUTH_IP "domain=.example.org\n", NEVER(".example.org") },
        { AUTH_IP "domain=-a.example.org\n", NEVER("-a.example.org") },
        { AUTH_IP "domain=[a.example.org\n", NEVER("[a.example.org") },
        { AUTH_IP "domain=2001:db8::1\n",
          W("3") "domain = '2001:db8::1' never matches, because it is an address; write it in "
                 "ip-san\n" },
        { AUTH_IP "domain=a..example.org\n", NEVER("a..example.org") },
        { AUTH_IP "domain=*_x.example.org\n", NEVER("*_x.example.org") },
        { AUTH_IP "domain=[a_]x.example.org\n", "" },
        { AUTH_IP "domain=https://example.org/\n", NEVER("https://example.org/") },
        { AUTH_IP "domain=\"example.org\"\n", QUOTES("3", "domain") },
        { AUTH_IP "domain=example.org # ours\n", COMMENT("3", "#", "domain") },
        { AUTH_IP "domain=\"a.example.org\"\ndomain=.example.org\n",
          QUOTES("3", "domain") W("4") "domain = '.example.org' never matches; write one name such "
                                       "as www.example.org, or one pattern such as *.example.org, "
                                       "and non-ASCII names as xn--…\n" },
        { "[account]\npreferred-chain = 'Root X1'\n", QUOTES("2", "preferred-chain") },
        { "[account]\npreferred-chain = Root #1\n", COMMENT("2", "#", "preferred-chain") },
        { "[account]\npreferred-chain = Root\t; X1\n", COMMENT("2", ";", "preferred-chain") },
        { "[account]\npreferred-chain = Root#1;2'\n", "" },
        { "[account]\npreferred-chain = '\n", "" },
        { AUTH "hmac_type=sha256\nhmac_key=\"sixteen bytes of\"\n" PERMITS,
          QUOTES("3", "hmac_key") },
        { FULL_AUTH "all=yes\n", W("1") "[auth \"a\"]: all = yes has no effect, because ip and "
                                        "hmac_key must still match; delete one or the other\n" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        config_unref(load(table[i].content, table[i].heard));
}

static void test_sizes(void)
{
    static const struct {
        const char *value;
        size_t size;
    } good[] = {
        { "1", 1 },       { "4096", 4096 },  { "4k", 4096 },      { "16k", 16384 },
        { "16K", 16384 }, { "1M", 1048576 }, { "16m", 16777216 }, { "16777216", 16777216 },
    };
    static const char *const bad[] = { "0",   "0k",  "-1",     "+1",       "k",
                                       "",    "4 k", "4kb",    "0x1",      "1.5k",
                                       "17m", "1g",  "16385k", "16777217", "99999999999999999999" };

    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        _cleanup_(config_unrefp) Config *config = NULL;
        char content[64];

        snprintf(content, sizeof(content), "[mgmt]\nmax-size=%s\n", good[i].value);
        config = load(content, NULL);
        ASSERT_EQ(config->max_size, good[i].size);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        char content[64], heard[128];

        snprintf(content, sizeof(content), "[mgmt]\nmax-size=%s\n", bad[i]);
        snprintf(heard, sizeof(heard),
                 E("2") "max-size = '%s' is not a size from 1 byte to 16m; write a number of "
                        "bytes, or 16k, or 1m\n",
                 bad[i]);
        refuse(content, heard);
    }
}

static void assert_listener(const ListenAddress *listener, const char *address, unsigned port)
{
    ASSERT_STREQ(listener->address, address);
    ASSERT_EQ(listener->port, port);
}

static void test_defaults(void)
{
    _cleanup_(config_unrefp) Config *config = load("", NULL);

    ASSERT_STREQ(config->path, MAIN);
    ASSERT_STREQ(config->accounts[0]->server,
                 "https://acme-staging-v02.api.letsencrypt.org/directory");
    ASSERT_STREQ(config->state_directory, "/var/lib/acmems");
    ASSERT_STREQ(config->runtime_directory, "/run/acmems");
    ASSERT_STREQ(config->accounts[0]->directory, "/var/lib/acmems/account");
    ASSERT_TRUE(!config->accounts[0]->ca_file);
    ASSERT_EQ(config->accounts[0]->orders_per_3h, 300);
    ASSERT_EQ(config->accounts[0]->client_share, 25);
    ASSERT_EQ(config->accounts[0]->auth_share, 50);
    ASSERT_EQ(config->accounts[0]->renewal_reserve, 25);
    ASSERT_EQ(config->accounts[0]->duplicate_certificates_per_week, 5);
    ASSERT_FALSE(config->accounts[0]->accept_terms_of_service);
    ASSERT_TRUE(!config->accounts[0]->accepted_terms_of_service);
    ASSERT_EQ(config->max_size, 4096);
    ASSERT_EQ(config->log_level, LOG_INFO);
    ASSERT_EQ(config->n_listeners, 2);
    assert_listener(&config->listeners[0], "127.0.0.1", 1313);
    assert_listener(&config->listeners[1], "::1", 1313);

    ASSERT_EQ(config->n_verifications, 1);
    ASSERT_STREQ(config->default_verifications[0]->name, "http");
    ASSERT_EQ(config->default_verifications[0]->type, VERIFICATION_HTTP01);
    ASSERT_EQ(config->default_verifications[0]->n_listeners, 2);
    assert_listener(&config->default_verifications[0]->listeners[0], "0.0.0.0", 1380);
    assert_listener(&config->default_verifications[0]->listeners[1], "::", 1380);
    ASSERT_EQ(config->n_storages, 1);
    ASSERT_STREQ(config->default_storage->name, "none");
    ASSERT_EQ(config->default_storage->type, STORAGE_NONE);
    ASSERT_EQ(config->n_auth, 0);
}

static void test_account(void)
{
    Config *config =
        load("[account]\naccept_terms_of_service = YES\nca-file=/ca.pem\npreferred-chain = Example "
             "Root X1\nprofile = classic\n[state]\ndirectory=/srv/acmems\n[logging]\nlevel=DEBUG\n",
             NULL);

    ASSERT_TRUE(config->accounts[0]->accept_terms_of_service);
    ASSERT_STREQ(config->accounts[0]->directory, "/srv/acmems/account");
    ASSERT_STREQ(config->accounts[0]->ca_file, "/ca.pem");
    ASSERT_STREQ(config->accounts[0]->preferred_chain, "Example Root X1");
    ASSERT_STREQ(config->accounts[0]->profile, "classic");
    ASSERT_EQ(config->log_level, LOG_DEBUG);
    config_unref(config);

    config = load("[account]\neab-kid=kid-1\neab_hmac_key=_-8\n", SHOWN("3", "eab-hmac-key"));
    ASSERT_STREQ(config->accounts[0]->external.kid, "kid-1");
    ASSERT_STREQ(config->accounts[0]->external.hmac_key, "_-8");
    ASSERT_TRUE(!config->accounts[0]->external.hmac_key_file);
    config_unref(config);

    ASSERT_OK(setenv("ACME_CAFILE", "/env.pem", 1));
    config = load("[account]\naccept-terms-of-service=https://ca.example.org/"
                  "1\naccept-terms-of-service=https://ca.example.org/2\n",
                  NULL);
    ASSERT_OK(unsetenv("ACME_CAFILE"));
    ASSERT_FALSE(config->accounts[0]->accept_terms_of_service);
    ASSERT_EQ(config->accounts[0]->n_accepted_terms_of_service, 2);
    ASSERT_STREQ(config->accounts[0]->accepted_terms_of_service[1], "https://ca.example.org/2");
    ASSERT_TRUE(!config->accounts[0]->accepted_terms_of_service[2]);
    ASSERT_STREQ(config->accounts[0]->ca_file, "/env.pem");
    ASSERT_TRUE(!config->accounts[0]->preferred_chain);
    config_unref(config);
}

static void test_listeners(void)
{
    Config *config = load("[mgmt]\nlistener=\n[verification v]\ntype=http01\nlistener=\n", NULL);

    ASSERT_EQ(config->n_listeners, 0);
    ASSERT_EQ(config->verifications[0]->n_listeners, 0);
    config_unref(config);

    config =
        load("[mgmt]\nlistener=192.0.2.1:1\nmgmt=[fe80::1%eth0]:2\nlistener=/run/x.sock\n", NULL);
    ASSERT_EQ(config->n_listeners, 3);
    assert_listener(&config->listeners[0], "192.0.2.1", 1);
    assert_listener(&config->listeners[1], "fe80::1", 2);
    ASSERT_STREQ(config->listeners[1].interface, "eth0");
    ASSERT_STREQ(config->listeners[2].address, "/run/x.sock");
    config_unref(config);
}

static void test_tlsalpn01(void)
{
    Config *config = load(TLSALPN, NULL);

    ASSERT_EQ(config->verifications[0]->type, VERIFICATION_TLSALPN01);
    ASSERT_EQ(config->verifications[0]->n_listeners, 0);
    ASSERT_TRUE(!config->verifications[0]->passthrough);
    config_unref(config);

    /* The same port on another machine is another server. */
    config = load(TLSALPN "listener=0.0.0.0:443\nlistener=[::]:443\npassthrough=192.0.2.1:443\n["
                          "verification u]\ntype=tls-alpn01\npassthrough=192.0.2.1:443\n",
                  NULL);
    ASSERT_EQ(config->verifications[0]->n_listeners, 2);
    ASSERT_STREQ(config->verifications[0]->passthrough, "192.0.2.1:443");
    config_unref(config);

    /* The listener belongs to another block. */
    config = load(TLSALPN "listener=\npassthrough=[2001:db8::1]:8443\n[verification "
                          "u]\ntype=tls-alpn01\nlistener=/run/x.sock\n",
                  NULL);
    ASSERT_EQ(config->verifications[0]->n_listeners, 0);
    ASSERT_STREQ(config->verifications[0]->passthrough, "[2001:db8::1]:8443");
    config_unref(config);
}

static void assert_default_blocks(const char *content, const char *verification,
                                  const char *storage)
{
    _cleanup_(config_unrefp) Config *config = load(content, NULL);

    if (verification)
        ASSERT_STREQ(config->default_verifications[0]->name, verification);
    else
        ASSERT_EQ(config->n_default_verifications, 0);
    if (storage)
        ASSERT_STREQ(config->default_storage->name, storage);
    else
        ASSERT_TRUE(!config->default_storage);
}

#define HTTP(name)  "[verification " name "]\ntype=http01\n"
#define FILES(name) "[storage " name "]\ntype=file\ndirectory=/" name "\n"

static void test_default_blocks(void)
{
    assert_default_blocks(HTTP("one") FILES("one"), "one", "one");
    assert_default_blocks(HTTP("a") HTTP("b") FILES("a") FILES("b"), "http", "none");
    assert_default_blocks(HTTP("a") HTTP("http") FILES("a") FILES("none"), "http", "none");
    assert_default_blocks("[mgmt]\ndefault-verification=b\ndefault-storage=b\n" HTTP("a") HTTP("b")
                              FILES("a") FILES("b"),
                          "b", "b");
    assert_default_blocks("[mgmt]\ndefault-verification=\ndefault-storage=\n" HTTP("a") FILES("a"),
                          NULL, NULL);
}

static void test_server_names(void)
{
    _cleanup_(config_unrefp) Config *config =
        load("[mgmt]\nserver-name = ACMEMS.Example.org.\nserver-name=[2001:DB8::1]\n", NULL);

    ASSERT_EQ(config->n_server_names, 2);
    ASSERT_STREQ(config->server_names[0], "acmems.example.org");
    ASSERT_STREQ(config->server_names[1], "2001:db8::1");
}

/* Implied blocks can be named like written ones. */
static void test_implied_reference(void)
{
    _cleanup_(config_unrefp) Config *config =
        load(FULL_AUTH "verification=http\nstorage=none\n", NULL);

    ASSERT_TRUE(config->auth[0]->verifications[0] == config->default_verifications[0]);
    ASSERT_TRUE(config->auth[0]->storage == config->default_storage);
}

static void test_auth(void)
{
    _cleanup_(config_unrefp) Config *config =
        load("[auth "
             "one]\nip=192.0.2.0/24\nip=2001:db8::/"
             "32\ndomain=Mail.Example.ORG\ndomain=*.example.org\norders-per-day=20\n[auth "
             "\"two\"]\nhmac-type = SHA2-384\nhmac_key = #1 = 'x' 7890123456 "
             "\nhmac-max-age=300\ndomain=two.example.org\nstorage=late\n[auth "
             "\"three\"]\nall=yes\ndomain=three.example.org\n" FILES("late"),
             NULL);
    const AuthBlock *one = config->auth[0], *two = config->auth[1], *three = config->auth[2];

    ASSERT_EQ(config->n_auth, 3);
    ASSERT_STREQ(one->name, "one");
    ASSERT_STREQ(one->file, MAIN);
    ASSERT_EQ(one->line, 1);
    ASSERT_EQ(one->n_ips, 2);
    ASSERT_EQ(one->ips[0].length, 24);
    ASSERT_EQ(one->ips[1].family, AF_INET6);
    ASSERT_EQ(one->n_domains, 2);
    ASSERT_STREQ(one->domains[0], "mail.example.org");
    ASSERT_STREQ(one->domains[1], "*.example.org");
    ASSERT_TRUE(!one->domains[2]);
    ASSERT_TRUE(!one->hmac_type && !one->hmac_key && !one->all);
    ASSERT_EQ(one->orders_per_day, 20);
    ASSERT_EQ(two->orders_per_day, 0);
    ASSERT_EQ(two->hmac_max_age, 300);

    ASSERT_STREQ(two->hmac_type->name, "sha384");
    ASSERT_STREQ(two->hmac_key, "#1 = 'x' 7890123456");
    ASSERT_STREQ(two->storage->name, "late");
    ASSERT_EQ(two->storage->renew_within, 14);
    ASSERT_STREQ(two->verifications[0]->name, "http");
    ASSERT_TRUE(three->all);
    ASSERT_STREQ(three->storage->name, "late");

    ASSERT_TRUE(config_find_auth(config, "two") == two);
    ASSERT_TRUE(!config_find_auth(config, "Two"));
    ASSERT_TRUE(!config_find_auth(config, "late"));
}

static void test_ip_sans(void)
{
    _cleanup_(config_unrefp) Config *config =
        load(AUTH_IP "ip-san=192.0.2.0/28\nip-san=2001:db8::/64\n", NULL);
    const AuthBlock *auth = config->auth[0];

    ASSERT_EQ(auth->n_ip_sans, 2);
    ASSERT_EQ(auth->ip_sans[0].length, 28);
    ASSERT_EQ(auth->ip_sans[1].family, AF_INET6);
    ASSERT_TRUE(auth->n_verifications == 1 && auth->storage);
}

static void test_profile(void)
{
    Config *config =
        load("[account]\nprofile=classic\n" FULL_AUTH
             "[auth \"b\"]\nip=192.0.2.2\ndomain=b.example.org\nprofile = short lived\n",
             NULL);

    ASSERT_STREQ(auth_profile(config->auth[0], config->accounts[0]), "classic");
    ASSERT_STREQ(auth_profile(config->auth[1], config->accounts[0]), "short lived");
    config_unref(config);

    config = load(FULL_AUTH, NULL);
    ASSERT_TRUE(!auth_profile(config->auth[0], config->accounts[0]));
    config_unref(config);
}

static void test_prefetch(void)
{
    _cleanup_(config_unrefp) Config *config =
        load("[storage \"s\"]\ntype=file\ndirectory=/s\nprefetch = Yes\n[storage "
             "\"t\"]\ntype=file\ndirectory=/t\nprefetch = no\nprefetch-forget = 7\n",
             NULL);

    ASSERT_TRUE(config->storages[0]->prefetch);
    ASSERT_EQ(config->storages[0]->prefetch_forget, 100);
    ASSERT_FALSE(config->storages[1]->prefetch);
    ASSERT_EQ(config->storages[1]->prefetch_forget, 7);
}

static void test_proxy(void)
{
    static const char *const good[] = { "", "http://192.0.2.8:3128", "HTTPS://proxy.example:443/",
                                        "socks5h://[2001:db8::8]:1080" };
    static const char *const bad[] = { "192.0.2.8:3128",
                                       "http://192.0.2.8",
                                       "http://192.0.2.8:",
                                       "http://:3128",
                                       "http://192.0.2.8:3128/path",
                                       "http://user:pa/ss@192.0.2.8:3128",
                                       "http://user:pa?ss@192.0.2.8:3128",
                                       "http://192.0.2.8/@x:80",
                                       "http://2001:db8::8:3128",
                                       "http://user:pass@2001:db8::8:3128",
                                       "http://192.0.2.8:70000",
                                       "ftp://192.0.2.8:3128",
                                       "http://a b:3128" };
    Config *config = load("[account]\n", NULL);
    char content[128];

    ASSERT_TRUE(!config->accounts[0]->proxy);
    config_unref(config);
    for (size_t i = 0; i < ELEMENTSOF(good); i++) {
        (void)snprintf(content, sizeof(content), "[account]\nproxy = %s\n", good[i]);
        config = load(content, NULL);
        ASSERT_STREQ(config->accounts[0]->proxy, good[i]);
        config_unref(config);
    }
    for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
        (void)snprintf(content, sizeof(content), "[account]\nproxy = %s\n", bad[i]);
        refuse(content, E("2") "proxy is not the URL of a proxy with its port; write "
                               "http://192.0.2.8:3128, or https://, socks5:// or socks5h:// in "
                               "place of http://, and %2F for a slash in a password\n");
    }
    config = load("[account]\nproxy = http://user:p@ss@192.0.2.8:3128\n",
                  W("2") "acmems-sign, which serves clients, can read the password in proxy; let "
                         "the proxy permit this machine by its address\n");
    ASSERT_STREQ(config->accounts[0]->proxy, "http://user:p@ss@192.0.2.8:3128");
    config_unref(config);
}

static void test_accounts(void)
{
    _cleanup_(config_unrefp) Config *config =
        load("[account]\nacme-server = https://one.example/dir\n[account \"two\"]\nacme-server = "
             "https://two.example/dir\nprofile = classic\naccept-terms-of-service = yes\neab-kid = "
             "k\neab-hmac-key = _-8\norders-per-3h = 7\n[account \"3/3\"]\nacme-server = "
             "https://three.example/dir\ndir = /srv/three\n" FULL_AUTH
             "[auth \"b\"]\nip=192.0.2.2\ndomain=b.example.org\nprofile = p\naccount = two,\t3/3\n",
             SHOWN("8", "eab-hmac-key"));
    const AccountBlock *two = config_find_account(config, "two");
    const AuthBlock *b = config_find_auth(config, "b");

    ASSERT_EQ(config->n_accounts, 3);
    ASSERT_TRUE(config_default_account(config) == config->accounts[0]);
    ASSERT_STREQ(config->accounts[0]->server, "https://one.example/dir");
    ASSERT_FALSE(config->accounts[0]->accept_terms_of_service);
    ASSERT_TRUE(!config->accounts[0]->external.kid);
    ASSERT_EQ(config->accounts[0]->orders_per_3h, 300);
    ASSERT_EQ(config->accounts[0]->order_timeout, 14400);
    ASSERT_STREQ(two->server, "https://two.example/dir");
    ASSERT_STREQ(two->directory, "/var/lib/acmems/accounts/two");
    ASSERT_TRUE(two->accept_terms_of_service);
    ASSERT_STREQ(two->external.kid, "k");
    ASSERT_EQ(two->orders_per_3h, 7);
    ASSERT_EQ(config->auth[0]->n_accounts, 1);
    ASSERT_TRUE(config->auth[0]->accounts[0] == config->accounts[0]);
    ASSERT_EQ(b->n_accounts, 2);
    ASSERT_TRUE(b->accounts[0] == two);
    ASSERT_STREQ(b->accounts[1]->directory, "/srv/three");
    ASSERT_STREQ(auth_profile(b, two), "p");
    ASSERT_TRUE(!auth_profile(b, b->accounts[1]));
}

static void test_verifications(void)
{
    _cleanup_(config_unrefp) Config *config =
        load("[mgmt]\ndefault-verification = d, h\n[verification h]\ntype=http01\n[verification "
             "d]\ntype=dns01-dnsUpdate\n" FULL_AUTH
             "[auth b]\nip=192.0.2.2\ndomain=b\nverification = h\n",
             NULL);

    ASSERT_EQ(config->auth[0]->n_verifications, 2);
    ASSERT_STREQ(config->auth[0]->verifications[0]->name, "d");
    ASSERT_STREQ(config->auth[0]->verifications[1]->name, "h");
    ASSERT_EQ(config->auth[1]->n_verifications, 1);
    ASSERT_STREQ(config->auth[1]->verifications[0]->name, "h");
}

/* A block without the key uses the default account. */
static void test_default_account(void)
{
    Config *config = load("[account \"le\"]\ndir = /var/lib/acmems/account\n" FULL_AUTH, NULL);

    ASSERT_STREQ(config->auth[0]->accounts[0]->name, "le");
    config_unref(config);

    /* [account] may continue in another file: it is the same account. */
    ASSERT_OK(mkdir(DROPINS, 0755));
    write_file(DROPINS "/10.ini", "[account]\nprofile = classic\n");
    config = load("[account]\ndir = /a\n[account \"x\"]\n" FULL_AUTH, NULL);
    ASSERT_OK(unlink(DROPINS "/10.ini"));
    ASSERT_OK(rmdir(DROPINS));
    ASSERT_EQ(config->n_accounts, 2);
    ASSERT_STREQ(config->accounts[0]->profile, "classic");
    ASSERT_STREQ(config->accounts[0]->directory, "/a");
    ASSERT_TRUE(!config->accounts[1]->profile);
    config_unref(config);
}

static void test_dnsupdate(void)
{
    _cleanup_(config_unrefp) Config *config = load(
        "[verification d]\ntype=dns01-dnsUpdate\n[verification "
        "e]\ntype=dns01-dnsUpdate\ndns-server=192.0.2.53\ndns-server=192.0.2.53:5353\ndns-server="
        "2001:db8::53\ndns-server=[2001:db8::53]:53\nttl=0\ntimeout=30\nresolver=192.0.2."
        "54\nresolver=fe80::1%eth0\nresolver=[fe80::1%eth0]:54\nzone=_acme-challenge.Example.ORG."
        "\ntsig-key-file=/etc/acmems/"
        "tsig.key\npropagation-check=none\npropagation-timeout=7\nalias-"
        "zone=Validation.example.net.\nalias-zone=example.com\n[verification f]\n"
        "type=dns01-dnsUpdate\ntsig-key-file=/k\nsign-queries=no\nlabel=account\n",
        NULL);
    const Verification *d = config->verifications[0], *e = config->verifications[1];

    ASSERT_EQ(d->type, VERIFICATION_DNS01_DNSUPDATE);
    ASSERT_STREQ(d->dns_servers[0], "127.0.0.1");
    ASSERT_EQ(d->n_dns_servers, 1);
    ASSERT_EQ(d->ttl, 60);
    ASSERT_EQ(d->timeout, 5);
    ASSERT_EQ(d->propagation_timeout, 120);
    ASSERT_FALSE(d->skip_propagation_check);
    ASSERT_FALSE(d->sign_queries);
    ASSERT_TRUE(!d->resolvers && !d->zone && !d->tsig_key && !d->tsig_key_file);
    ASSERT_EQ(e->n_dns_servers, 4);
    ASSERT_STREQ(e->dns_servers[3], "[2001:db8::53]:53");
    ASSERT_EQ(e->ttl, 0);
    ASSERT_EQ(e->timeout, 30);
    ASSERT_STREQ(e->resolvers[0], "192.0.2.54");
    ASSERT_STREQ(e->resolvers[1], "fe80::1%eth0");
    ASSERT_STREQ(e->resolvers[2], "[fe80::1%eth0]:54");
    ASSERT_EQ(e->n_resolvers, 3);
    ASSERT_STREQ(e->zone, "_acme-challenge.example.org");
    ASSERT_STREQ(e->tsig_key_file, "/etc/acmems/tsig.key");
    ASSERT_TRUE(e->skip_propagation_check);
    ASSERT_TRUE(e->sign_queries);
    ASSERT_FALSE(config->verifications[2]->sign_queries);
    ASSERT_FALSE(e->account_label);
    ASSERT_TRUE(config->verifications[2]->account_label);
    ASSERT_EQ(e->propagation_timeout, 7);
    ASSERT_TRUE(!d->alias_zones);
    ASSERT_EQ(e->n_alias_zones, 2);
    ASSERT_STREQ(e->alias_zones[0], "validation.example.net");
    ASSERT_STREQ(e->alias_zones[1], "example.com");
}

/* The example of the Python server, as its users have it. */
static void test_python_example(void)
{
    _cleanup_(config_unrefp) Config *config = load(
        "[account]\nacme-server = https://acme-staging.api.letsencrypt.org/directory\ndir = "
        "/etc/acmems/account/\n[mgmt]\nmgmt=192.0.2.13:1313\nmax-size = 4k\ndefault-verification = "
        "http\ndefault-storage = file\n[verification \"http\"]\ntype = "
        "http01\nlistener=192.0.2.80:1380\nlistener=198.51.100.80:1380\nlistener=[fe80::80%eth0]:"
        "1380\n[verification \"dns\"]\ntype = "
        "dns01-dnsUpdate\ndns-server=192.0.2.53\nttl=5\ntimeout=30\n[storage \"none\"]\ntype = "
        "none\n[storage \"file\"]\ntype = "
        "file\ndirectory=/etc/acmems/storage\nrenew-within=14\n[auth "
        "\"mail\"]\nip=192.0.2.0/"
        "24\nip=198.51.100.21\ndomain=mail.example.org\ndomain=mail.example.com\n[auth "
        "\"ext\"]\nip=198.51.100.128/28\ndomain=*.test.example.org\n[auth "
        "\"mail-secure\"]\nverification = dns\nstorage = "
        "file\nip=198.51.100.21\nhmac_type=sha256\nhmac_key=A1YP67armNf3cBrecyJHdb035\ndomain=mail?"
        ".example.org\ndomain=mail.example.com\n",
        NULL);

    ASSERT_EQ(config->n_auth, 3);
    ASSERT_EQ(config->n_verifications, 2);
    ASSERT_EQ(config->n_storages, 2);
    ASSERT_EQ(config->max_size, 4096);
    ASSERT_EQ(config->n_listeners, 1);
    ASSERT_STREQ(config->auth[0]->storage->directory, "/etc/acmems/storage");
    ASSERT_STREQ(config->auth[2]->verifications[0]->name, "dns");
    ASSERT_STREQ(config->verifications[0]->listeners[2].interface, "eth0");
}

static void test_dropins(void)
{
    Heard heard = { 0 };
    Config *config;

    ASSERT_OK(mkdir(DROPINS, 0755));
    write_file(DROPINS "/20-b.ini", "[auth b]\nall=yes\ndomain=b\n[state]\ndirectory=/b\n");
    write_file(DROPINS "/10-a.ini", "[auth a]\nall=yes\ndomain=a\n[mgmt]\nmax-size=1k\n");
    write_file(DROPINS "/.hidden.ini", "junk");
    write_file(DROPINS "/30.ini~", "junk");
    write_file(DROPINS "/.ini", "junk");
    config = load("[mgmt]\nlistener=\n[auth main]\nall=yes\ndomain=main\n", NULL);
    ASSERT_EQ(config->n_files, 3);
    ASSERT_STREQ(config->files[2], DROPINS "/20-b.ini");
    ASSERT_EQ(config->n_auth, 3);
    ASSERT_STREQ(config->auth[0]->name, "main");
    ASSERT_STREQ(config->auth[1]->name, "a");
    ASSERT_STREQ(config->auth[2]->name, "b");
    ASSERT_STREQ(config->auth[2]->file, DROPINS "/20-b.ini");
    ASSERT_EQ(config->max_size, 1024);
    ASSERT_STREQ(config->state_directory, "/b");
    config_unref(config);

    refuse(
        "[mgmt]\nmax-size=2k\n[auth b]\nall=yes\ndomain=c\n", DROPINS
        "/10-a.ini:5: error: max-size is already set in main.ini:2; delete one of the two\n" DROPINS
        "/20-b.ini:1: error: [auth \"b\"] is already defined in main.ini:3; rename this block, or "
        "move its keys there\n");

    ASSERT_OK(symlink("nowhere", DROPINS "/30.ini"));
    write_file(MAIN, "");
    ASSERT_EQ(config_load(MAIN, hear, &heard, &config), -EINVAL);
    ASSERT_STREQ(heard.text,
                 DROPINS "/30.ini:0: error: cannot be read: No such file or directory\n");

    ASSERT_EQ(system("rm -r " DROPINS), 0);
    write_file(DROPINS, "");
    heard = (Heard){ 0 };
    ASSERT_EQ(config_load(MAIN, hear, &heard, &config), -EINVAL);
    ASSERT_STREQ(heard.text, DROPINS ":0: error: cannot be read: Not a directory\n");
    ASSERT_OK(unlink(DROPINS));
}

static void test_dropin_directory(void)
{
    static const char *const table[][2] = {
        { "/etc/acmems/acmems.ini", "/etc/acmems/acmems.d" },
        { "acmems.conf", "acmems.d" },
        { "acmems", "acmems.d" },
        { "/etc/x.y/acmems", "/etc/x.y/acmems.d" },
        { "/etc/.hidden", "/etc/.hidden.d" },
        { "a.b.ini", "a.b.d" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_free_ char *directory = config_dropin_directory(table[i][0]);

        ASSERT_STREQ(directory, table[i][1]);
    }
}

static void test_unreadable(void)
{
    Heard heard = { 0 };
    Config *config = NULL;
    _cleanup_close_ int fd = -EBADF;

    ASSERT_EQ(config_load("gone.ini", hear, &heard, &config), -ENOENT);
    ASSERT_STREQ(heard.text, "gone.ini:0: error: cannot be read: No such file or directory\n");
    heard = (Heard){ 0 };
    ASSERT_EQ(config_load(".", hear, &heard, &config), -EBADF);
    ASSERT_STREQ(heard.text, ".:0: error: not a regular file\n");

    fd = open("large.ini", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_OK(ftruncate(fd, 16 * 1024 * 1024 + 1));
    heard = (Heard){ 0 };
    ASSERT_EQ(config_load("large.ini", hear, &heard, &config), -EFBIG);
    ASSERT_STREQ(heard.text, "large.ini:0: error: the file is larger than 16 MiB\n");
    ASSERT_OK(unlink("large.ini"));
}

/* Ten thousand blocks, and as many errors. */
/* The valid parts of a refused configuration. */
static void test_sound(void)
{
    static const struct {
        const char *content;
        size_t n_mgmt, n_http01; /* listeners */
        unsigned findings;
    } table[] = {
        { "", 2, 2, 0 },
        { "[mgmt]\nlistener=192.0.2.1:1313\nlistener=1313\n", 1, 2, 1 },
        { "[mgmt]\nlistener=1313\n", 0, 2, 1 },
        { "[mgmt]\nlistener=\nlistener=192.0.2.1:1313\n", 0, 2, 1 },
        { "[verification v]\ntype=http01\nlistener=1380\nlistener=[::]:1380\n", 2, 1, 1 },
        { "[verification v]\ntype=http02\nlistener=[::]:1380\n", 2, 0, 1 },
        { AUTH "domian=a\nall=yes\ndomain=b\n", 2, 2, 1 },
        /* the unreadable lines may have been listeners */
        { "[mgmt]\nlistener 192.0.2.1:1313\n", 0, 0, 1 },
        { "[mgmt\nlistener = 192.0.2.1:1313\n", 0, 0, 1 },
        { "[mgmt]\nlistener = 192.0.2.1:1313\n[verification v\n", 1, 0, 1 },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Heard heard = { 0 };
        Config *config = NULL;

        write_file(MAIN, table[i].content);
        ASSERT_OK(config_load_sound(MAIN, hear, &heard, &config));
        ASSERT_EQ(heard.count, table[i].findings);
        ASSERT_EQ(config->n_listeners, table[i].n_mgmt);
        ASSERT_EQ(config->n_verifications, 1);
        ASSERT_EQ(config->verifications[0]->n_listeners, table[i].n_http01);
        config_unref(config);
    }
}

static void test_sound_unreadable(void)
{
    Heard heard = { 0 };
    Config *config = NULL;

    ASSERT_EQ(config_load_sound("/nonexistent/main.ini", hear, &heard, &config), -ENOENT);
    ASSERT_TRUE(!config);
    ASSERT_EQ(heard.count, 1);
}

static void test_many(void)
{
    FILE *file = fopen(MAIN, "we");
    Heard heard = { 0 };
    Config *config;
    usec_t start;

    for (unsigned i = 0; i < 10000; i++)
        fprintf(file,
                "[auth "
                "\"host%u\"]\nip=192.0.2.1\nhmac_type=sha256\nhmac_key=sixteen bytes "
                "of%u\ndomain=host%u.example."
                "org\n",
                i, i, i);
    ASSERT_OK(fclose(file));
    start = now_monotonic();
    ASSERT_OK(config_load(MAIN, hear, &heard, &config));
    printf("%ju us for 10,000 blocks\n", (uintmax_t)(now_monotonic() - start));
    ASSERT_EQ(config->n_auth, 10000);
    ASSERT_TRUE(config_find_auth(config, "host7777") == config->auth[7777]);
    config_unref(config);

    file = fopen(MAIN, "we");
    for (unsigned i = 0; i < 10000; i++)
        (void)fputs("junk\n", file);
    ASSERT_OK(fclose(file));
    ASSERT_EQ(config_load(MAIN, hear, &heard, &config), -EINVAL);
    ASSERT_EQ(heard.count, CONFIG_FINDINGS_MAX);
}

int main(void)
{
    char directory[] = "/tmp/test-config-XXXXXX";

    ASSERT_TRUE(mkdtemp(directory));
    ASSERT_OK(chdir(directory));
    ASSERT_OK(unsetenv("ACME_CAFILE"));
    test_refused();
    test_warned();
    test_sizes();
    test_defaults();
    test_account();
    test_listeners();
    test_tlsalpn01();
    test_default_blocks();
    test_implied_reference();
    test_server_names();
    test_auth();
    test_ip_sans();
    test_profile();
    test_prefetch();
    test_proxy();
    test_accounts();
    test_verifications();
    test_default_account();
    test_dnsupdate();
    test_python_example();
    test_dropins();
    test_dropin_directory();
    test_unreadable();
    test_sound();
    test_sound_unreadable();
    test_many();
    ASSERT_OK(unlink(MAIN));
    ASSERT_OK(chdir("/"));
    ASSERT_OK(rmdir(directory));
    return 0;
}
