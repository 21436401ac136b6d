/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/keys.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <strings.h>
#include <syslog.h>

#include "base/number.h"
#include "base/path.h"
#include "config/dns-server.h"
#include "config/tsig-key.h"
#include "loading/check.h"
#include "loading/references.h"
#include "log/log.h"
#include "strings/email.h"
#include "strings/encode.h"
#include "strings/host.h"
#include "strings/text.h"
#include "x509/dns-name.h"

#define KIB          UINT64_C(1024)
#define MAX_SIZE_MAX (16 * KIB * KIB)

/* Bytes of an HMAC key: shorter ones are refused, or reported. */
#define HMAC_KEY_MIN  8
#define HMAC_KEY_GOOD 16

static int set_string(const ConfigKey *key, const char *value, void *object)
{
    char **string = config_target(key, object), *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*string);
    *string = copy;
    return 0;
}

/* Appends to a string vector without counting its members each time. */
static int add_string(const ConfigKey *key, const char *value, void *object)
{
    char ***list = config_target(key, object);
    size_t *n = config_target_count(key, object);
    _cleanup_free_ char *copy = strdup(value);
    char **grown;

    if (!copy)
        return -ENOMEM;
    grown = config_grow(*list, *n + 1, sizeof(**list));
    if (!grown)
        return -ENOMEM;
    grown[*n] = TAKE_PTR(copy);
    grown[*n + 1] = NULL;
    *list = grown;
    (*n)++;
    return 0;
}

static bool is_https_url(const char *value)
{
    const char *host = value + STRLEN("https://");

    if (strncasecmp(value, "https://", STRLEN("https://")) != 0 || !*host || *host == '/')
        return false;
    for (const char *c = value; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return true;
}

static int parse_acme_server(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!is_https_url(value))
        return refuse(
            l,
            "%s = " QUOTED
            " is not an https:// URL, which ACME requires; write the URL of the CA's directory",
            key->name, value);
    return set_string(key, value, object);
}

/* A host and its port: libcurl takes 1080 where there is none, which is rarely meant. */
static bool is_host_with_port(const char *text, size_t length)
{
    const char *colon = memrchr(text, ':', length);
    size_t n_host = colon ? (size_t)(colon - text) : 0;
    bool is_bracketed = n_host > 2 && text[0] == '[' && text[n_host - 1] == ']';
    uint64_t port;

    /* Otherwise the colon is one of an IPv6 address. */
    if (n_host == 0 || (!is_bracketed && memchr(text, ':', n_host)))
        return false;
    return number_parse(colon + 1, length - n_host - 1, UINT16_MAX, &port) >= 0 && port > 0;
}

/* "http://USER:PASSWORD@HOST:PORT/", where the user and the last slash may be missing. What libcurl
 * reads in another way is refused: its message would show the password. */
static bool is_proxy(const char *value)
{
    static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };
    const char *authority = NULL, *at;
    size_t length;

    for (const char *c = value; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    for (size_t i = 0; i < ELEMENTSOF(schemes); i++)
        if (strncasecmp(value, schemes[i], strlen(schemes[i])) == 0)
            authority = value + strlen(schemes[i]);
    if (!authority)
        return false;
    length = strcspn(authority, "/?#");
    at = memrchr(authority, '@', length);
    if (authority[length] && !streq(authority + length, "/"))
        return false;
    if (at) {
        length -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    return is_host_with_port(authority, length);
}

static int parse_proxy(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    int r = 0;

    /* Not quoted: it may contain a password. */
    if (*value && !is_proxy(value))
        return refuse(l,
                      "%s is not the URL of a proxy with its port; write http://192.0.2.8:3128, or "
                      "https://, socks5:// or socks5h:// in place of http://, and %%2F for a slash "
                      "in a password",
                      key->name);
    if (strchr(value, '@'))
        r = warn(l,
                 "acmems-sign, which serves clients, can read the password in %s; let the proxy "
                 "permit this machine by its address",
                 key->name);
    return r < 0 ? r : set_string(key, value, object);
}

static int parse_path(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (value[0] != '/' || strlen(value) >= PATH_MAX)
        return refuse(l, "%s = " QUOTED " is not an absolute path; start it with /", key->name,
                      value);
    if (!path_is_usable(value))
        return refuse(l,
                      "%s = " QUOTED " cannot be used in a systemd unit; remove '..', control "
                      "characters and a trailing backslash",
                      key->name, value);
    return set_string(key, value, object);
}

typedef struct Word {
    const char *word;
    bool value;
} Word;

static const Word words[] = {
    { "yes", true }, { "true", true }, { "no", false }, { "false", false }
};

static const Word *find_word(const char *value)
{
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcasecmp(value, words[i].word) == 0)
            return &words[i];
    return NULL;
}

static int parse_bool(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const Word *word = find_word(value);

    if (!word)
        return refuse(l, "%s = " QUOTED " is neither yes nor no", key->name, value);
    *(bool *)config_target(key, object) = word->value;
    return 0;
}

static int parse_terms(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const Word *word = find_word(value);

    if (word) {
        ((AccountBlock *)object)->accept_terms_of_service |= word->value;
        return 0;
    }
    if (strncasecmp(value, "https://", 8) != 0 && strncasecmp(value, "http://", 7) != 0)
        return refuse(
            l,
            "%s = " QUOTED
            " is neither yes nor a URL; write yes, or the URL of the terms that you accept",
            key->name, value);
    return add_string(key, value, object);
}

static int parse_contact(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_free_ char *url = NULL;
    int r = email_to_url(value, &url);

    if (r == -EINVAL)
        return refuse(l, "%s = " QUOTED " is not an e-mail address; write you@example.org",
                      key->name, value);
    return r < 0 ? r : add_string(key, url, object);
}

static int parse_listener(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    ListenAddress **list = config_target(key, object), *grown, address;
    size_t *n = config_target_count(key, object);
    bool first = !config_seen(l, (SectionId)(l->section - l->sections), key->name)->file;
    int r;

    /* An empty value and a list contradict each other, in either order. An empty value sets *list
     * with *n == 0; a refused value leaves *list NULL. */
    if (*value ? *list && *n == 0 : !first)
        return refuse(l,
                      "an empty %s disables listening, but others are set; delete the empty one or "
                      "the others",
                      key->name);
    if (!*value) {
        *list = calloc(1, sizeof(**list));
        return *list ? 0 : -ENOMEM;
    }
    r = listen_address_parse(value, &address);
    l->unlistened |= r < 0;
    if (r == -EINVAL)
        return refuse(l,
                      "%s = " QUOTED " is not an address to listen on; write 192.0.2.1:1313, "
                      "[2001:db8::1]:1313 or /run/name.sock",
                      key->name, value);
    if (r < 0)
        return r;
    grown = config_grow(*list, *n, sizeof(*grown));
    if (!grown) {
        listen_address_done(&address);
        return -ENOMEM;
    }
    grown[(*n)++] = address;
    *list = grown;
    return 0;
}

/* A number of bytes, or a number with the suffix k or m. */
static int parse_size(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    static const struct {
        char suffix;
        uint64_t factor;
    } units[] = { { 'k', KIB }, { 'K', KIB }, { 'm', KIB * KIB }, { 'M', KIB * KIB } };
    size_t length = strlen(value);
    uint64_t factor = 1, number;

    for (size_t i = 0; i < ELEMENTSOF(units); i++)
        if (length > 0 && value[length - 1] == units[i].suffix) {
            factor = units[i].factor;
            length--;
            break;
        }
    if (number_parse(value, length, MAX_SIZE_MAX / factor, &number) < 0 || number == 0)
        return refuse(l,
                      "%s = " QUOTED
                      " is not a size from 1 byte to 16m; write a number of bytes, or 16k, or 1m",
                      key->name, value);
    *(size_t *)config_target(key, object) = (size_t)(number * factor);
    return 0;
}

static int parse_unsigned(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    uint64_t number;

    if (number_parse(value, strlen(value), key->max, &number) < 0 || number < key->min)
        return refuse(l, "%s = " QUOTED " is not a number from %u to %u", key->name, value,
                      key->min, key->max);
    *(unsigned *)config_target(key, object) = (unsigned)number;
    return 0;
}

static int parse_level(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    int level = log_level_from_string(value);

    if (level < 0)
        return refuse(
            l, "%s = " QUOTED " is not a log level; write debug, info, warning, error or critical",
            key->name, value);
    *(int *)config_target(key, object) = level;
    return 0;
}

static int parse_obsolete(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    (void)value;
    (void)object;
    return warn(l, "%s is obsolete and ignored; messages go to the journal, see journalctl(1)",
                key->name);
}

static int parse_type(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const Section *section = l->section;
    size_t type = 0;

    while (type < section->n_types && !streq(section->types[type], value))
        type++;
    if (type == section->n_types) {
        l->type = TYPE_UNKNOWN;
        return refuse(l, "unknown type " QUOTED " in %s; write %s%s%s or %s", value,
                      config_title(l), section->n_types > 2 ? section->types[0] : "",
                      section->n_types > 2 ? ", " : "", section->types[section->n_types - 2],
                      section->types[section->n_types - 1]);
    }
    *(unsigned *)config_target(key, object) = (unsigned)type;
    if (l->type == TYPE_MISSING) /* otherwise it comes too late, which was reported before */
        l->type = (int)type;
    return 0;
}

static int parse_dns_server(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    switch (dns_server_check(value)) {
    case 0:
        return add_string(key, value, object);
    case -EDESTADDRREQ:
        return refuse(l,
                      "%s = " QUOTED " is a link-local address without an interface; write "
                      "fe80::53%%eth0 or [fe80::53%%eth0]:53",
                      key->name, value);
    case -EADDRNOTAVAIL:
        return refuse(l,
                      "%s = " QUOTED " has an interface, but only link-local addresses (fe80::) "
                      "take one; delete %% and what follows",
                      key->name, value);
    default:
        return refuse(l,
                      "%s = " QUOTED
                      " is not an address; write 192.0.2.53, 192.0.2.53:53 or [2001:db8::53]:53",
                      key->name, value);
    }
}

/* Host names are not accepted: the program that connects has no resolver, and its sandbox allows
 * only this address. */
static int parse_passthrough(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_(listen_address_done) ListenAddress address = { 0 };
    int r = listen_address_parse(value, &address);

    if (r == -EINVAL || (r >= 0 && (address.kind == LISTEN_UNIX || address.interface)))
        return refuse(l,
                      "%s = " QUOTED " is not an address with a port; write 127.0.0.1:8443 or "
                      "[2001:db8::1]:8443, not a name",
                      key->name, value);
    return r < 0 ? r : set_string(key, value, object);
}

/* Labels of letters, digits, hyphens and underscores, as in _acme-challenge.example.org. */
static bool is_zone(const char *value, size_t length)
{
    size_t label = 0;

    for (size_t i = 0; i < length; i++) {
        char c = value[i];

        if (c == '.' ? label == 0
                     : !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
                           !(c >= '0' && c <= '9') && c != '-' && c != '_')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0 && length <= DNS_NAME_MAX;
}

static int parse_zone(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_free_ char *zone = NULL;
    size_t length = strlen(value);

    if (length > 0 && value[length - 1] == '.')
        length--;
    if (!is_zone(value, length))
        return refuse(l,
                      "%s = " QUOTED
                      " is not a zone name; write example.org, and non-ASCII names as xn--…",
                      key->name, value);
    zone = strndup(value, length);
    if (!zone)
        return -ENOMEM;
    dns_name_fold(zone);
    return key->repeated ? add_string(key, zone, object) : set_string(key, zone, object);
}

static int parse_tsig_key(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    _cleanup_(tsig_key_freep) TsigKey *parsed = NULL;
    Verification *verification = object;
    char why[TSIG_WHY_SIZE];
    int r = tsig_key_parse(value, why, &parsed);

    /* Not quoted: even a malformed value contains a secret. */
    if (r == -EINVAL)
        return refuse(l, "%s cannot be used: %s; write hmac-sha256:NAME:SECRET", key->name, why);
    if (r >= 0 && parsed->algorithm->weak)
        r = warn(l, "%s uses %s, which is outdated; create a key for hmac-sha256", key->name,
                 parsed->algorithm->name);
    if (r < 0)
        return r;
    tsig_key_free(verification->tsig_key);
    verification->tsig_key = TAKE_PTR(parsed);
    return 0;
}

static int parse_secret_path(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    /* Not quoted: a value that is not a path may be the key itself. */
    if (value[0] != '/')
        return refuse(l, "%s is not an absolute path; start it with /", key->name);
    return parse_path(l, key, value, object);
}

/* The second word sets the member. */
static int parse_either(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!streq(value, key->words[0]) && !streq(value, key->words[1]))
        return refuse(l, "%s = " QUOTED " is neither %s nor %s", key->name, value, key->words[0],
                      key->words[1]);
    *(bool *)config_target(key, object) = streq(value, key->words[1]);
    return 0;
}

static int parse_ip(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    AddressPrefix **list = config_target(key, object), *grown, prefix;
    size_t *n = config_target_count(key, object);
    _cleanup_free_ char *meant = NULL;
    int r = address_prefix_parse(value, &prefix, &meant);

    if (r == -EINVAL && meant)
        return refuse(l, "%s = " QUOTED " has host bits set; write %s", key->name, value, meant);
    if (r == -EINVAL)
        return refuse(
            l,
            "%s = " QUOTED
            " is not an address or prefix; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32",
            key->name, value);
    if (r < 0)
        return r;
    grown = config_grow(*list, *n, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[(*n)++] = prefix;
    *list = grown;
    return 0;
}

static int parse_hmac_type(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    const Digest *digest = digest_find(value, strlen(value));

    if (!digest && digest_is_broken(value, strlen(value)))
        return refuse(l, "%s = " QUOTED " is insecure and not accepted; write sha256", key->name,
                      value);
    if (!digest)
        return refuse(l,
                      "%s = " QUOTED " is not a known digest; write sha256, or sha224, sha384, "
                      "sha512, sha3-224, sha3-256, sha3-384, sha3-512",
                      key->name, value);
    *(const Digest **)config_target(key, object) = digest;
    return 0;
}

static int parse_hmac_key(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    size_t length = strlen(value);
    int r = 0;

    /* Not quoted: even a short value is a secret. */
    if (length == 0)
        return refuse(l,
                      "%s is empty, so any client could compute the HMAC; write a long random key",
                      key->name);
    if (length < HMAC_KEY_MIN)
        return refuse(
            l,
            "%s has only %zu bytes, so an attacker who records one request can try all keys; "
            "write a key of at least %d bytes, made with openssl rand -hex 32",
            key->name, length, HMAC_KEY_GOOD);
    if (length < HMAC_KEY_GOOD)
        r = warn(
            l,
            "%s has only %zu bytes, so an attacker who records one request may guess it; write a "
            "key of at least %d bytes, made with openssl rand -hex 32",
            key->name, length, HMAC_KEY_GOOD);
    return r < 0 ? r : set_string(key, value, object);
}

static int parse_name(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!*value)
        return refuse(l, "%s is empty; write a name, or delete the line", key->name);
    if (!text_is_utf8(value))
        return refuse(l, "%s is not UTF-8; save the file as UTF-8", key->name);
    return set_string(key, value, object);
}

static int parse_eab_kid(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!*value)
        return refuse(l, "%s is empty; write the key identifier that the CA gave you", key->name);
    if (!text_is_utf8(value))
        return refuse(l, "%s is not UTF-8; save the file as UTF-8", key->name);
    return set_string(key, value, object);
}

static int parse_eab_hmac_key(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    uint8_t *secret;
    size_t size;
    int r = *value ? base64_decode_any(value, strlen(value), &secret, &size) : -EINVAL;

    /* Not quoted: even a malformed value contains a secret. */
    if (r == -EINVAL)
        return refuse(l, "%s is not base64url; write the HMAC key as the CA gave it", key->name);
    if (r < 0)
        return r;
    explicit_bzero(secret, size);
    free(secret);
    return set_string(key, value, object);
}

static int parse_all(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    if (!streq(value, "yes"))
        return refuse(l, "%s can only be yes; write %s = yes, or delete the line", key->name,
                      key->name);
    *(bool *)config_target(key, object) = true;
    return 0;
}

static int parse_server_name(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    char host[HOST_SIZE];

    if (host_parse(value, strlen(value), host) < 0)
        return refuse(l,
                      "%s = " QUOTED " is not a host; write the name or the address that clients "
                      "use in the URL, without a port",
                      key->name, value);
    return add_string(key, host, object);
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Whether a host name can match: only its characters, and those with a meaning for fnmatch(3), no
 * empty label, and none that begins or ends with a hyphen. An underscore may be in brackets, where
 * there are others. */
static bool is_pattern(const char *value)
{
    bool in_brackets = false;

    if (strchr(".-", *value) || strstr(value, "..") || strstr(value, ".-") || strstr(value, "-.") ||
        strchr(".-", value[strlen(value) - 1]))
        return false;
    for (char c; (c = *value) != '\0'; value++) {
        in_brackets = c == '[' || (in_brackets && c != ']');
        if (!is_alphanumeric(c) && !strchr(in_brackets ? "_*?[]!.-" : "*?[]!.-", c))
            return false;
    }
    return !in_brackets;
}

static int warn_of_domain(Loader *l, const ConfigKey *key, const char *value)
{
    SocketAddress address;

    if (socket_address_parse(value, &address) >= 0)
        return warn(l,
                    "%s = " QUOTED " never matches, because it is an address; write it in ip-san",
                    key->name, value);
    if (is_pattern(value))
        return 0;
    return warn(l,
                "%s = " QUOTED " never matches; write one name such as www.example.org, or one "
                "pattern such as *.example.org, and non-ASCII names as xn--…",
                key->name, value);
}

static int parse_domain(Loader *l, const ConfigKey *key, const char *value, void *object)
{
    size_t length = strlen(value);
    AuthBlock *auth = object;
    int r;

    if (length == 0)
        return refuse(l, "%s is empty; write a name such as www.example.org, or delete the line",
                      key->name);
    r = l->is_told ? 0 : warn_of_domain(l, key, value);
    if (r < 0)
        return r;
    r = add_string(key, value, object);
    if (r < 0)
        return r;
    dns_name_fold(auth->domains[auth->n_domains - 1]);
    return 0;
}

#define HTTP01    (1U << VERIFICATION_HTTP01)
#define DNSUPDATE (1U << VERIFICATION_DNS01_DNSUPDATE)
#define TLSALPN01 (1U << VERIFICATION_TLSALPN01)
#define FILES     (1U << STORAGE_FILE)

#define IN(type, member)   .offset = offsetof(type, member)
#define LIST(type, member) IN(type, member), .repeated = true, .count = offsetof(type, n_##member)
#define NAMES(member)      .names = offsetof(Config, member)
/* The size of the array is negative, and so an error, if the table has too many keys. */
#define FITS(table)  sizeof(char[ELEMENTSOF(table) <= CONFIG_KEYS_MAX ? 1 : -1])
#define KEYS(table)  .keys = (table), .n_keys = ELEMENTSOF(table) * FITS(table)
#define TYPES(table) .types = (table), .n_types = ELEMENTSOF(table)
#define BLOCKS(type, member)                                                                       \
    .block_size = sizeof(type), .list = offsetof(Config, member),                                  \
    .count = offsetof(Config, n_##member)

static const ConfigKey account_keys[] = {
    { "acme-server", .parse = parse_acme_server, IN(AccountBlock, server) },
    { "dir", .parse = parse_path, IN(AccountBlock, directory) },
    { "ca-file", .parse = parse_path, IN(AccountBlock, ca_file) },
    { "proxy", .parse = parse_proxy, IN(AccountBlock, proxy) },
    { "accept-terms-of-service", .parse = parse_terms,
      LIST(AccountBlock, accepted_terms_of_service) },
    { "contact", .parse = parse_contact, LIST(AccountBlock, contacts) },
    { "preferred-chain", .parse = parse_name, IN(AccountBlock, preferred_chain) },
    { "extra-names", .parse = parse_either, IN(AccountBlock, refuses_extra_names),
      .words = { "accept", "refuse" } },
    { "profile", .parse = parse_name, IN(AccountBlock, profile) },
    { "eab-kid", .parse = parse_eab_kid, IN(AccountBlock, external.kid) },
    { "eab-hmac-key", .parse = parse_eab_hmac_key, IN(AccountBlock, external.hmac_key) },
    { "eab-hmac-key-file", .parse = parse_secret_path, IN(AccountBlock, external.hmac_key_file) },
    { "orders-per-3h", .parse = parse_unsigned, IN(AccountBlock, orders_per_3h),
      .max = CONFIG_BUDGET_MAX },
    { "duplicate-certificates-per-week", .parse = parse_unsigned,
      IN(AccountBlock, duplicate_certificates_per_week), .max = CONFIG_BUDGET_MAX },
    { "client-share", .parse = parse_unsigned, IN(AccountBlock, client_share), .max = 100 },
    { "auth-share", .parse = parse_unsigned, IN(AccountBlock, auth_share), .max = 100 },
    { "renewal-reserve", .parse = parse_unsigned, IN(AccountBlock, renewal_reserve),
      .max = CONFIG_RENEWAL_RESERVE_MAX },
    { "order-timeout", .parse = parse_unsigned, IN(AccountBlock, order_timeout),
      .max = CONFIG_ORDER_TIMEOUT_MAX },
};

static const ConfigKey state_keys[] = {
    { "directory", .parse = parse_path, IN(Config, state_directory) },
    { "runtime-directory", .parse = parse_path, IN(Config, runtime_directory) },
};

static const ConfigKey mgmt_keys[] = {
    { "listener", "mgmt", .parse = parse_listener, LIST(Config, listeners) },
    { "max-size", .parse = parse_size, IN(Config, max_size) },
    { "proxy-protocol", .parse = parse_ip, LIST(Config, proxies) },
    { "default-verification", .parse = config_parse_defaults, IN(Config, default_verifications),
      .count = offsetof(Config, n_default_verifications), NAMES(verification_names) },
    { "default-storage", .parse = config_parse_default, IN(Config, default_storage),
      NAMES(storage_names) },
    { "server-name", .parse = parse_server_name, LIST(Config, server_names) },
};

static const ConfigKey logging_keys[] = {
    { "level", .parse = parse_level, IN(Config, log_level) },
    { "destination", .parse = parse_obsolete },
    { "format", .parse = parse_obsolete },
    { "config-file", .parse = parse_obsolete },
};

static const ConfigKey verification_keys[] = {
    { "type", .parse = parse_type, IN(Verification, type) },
    { "listener", .parse = parse_listener, LIST(Verification, listeners),
      .types = HTTP01 | TLSALPN01 },
    { "passthrough", .parse = parse_passthrough, IN(Verification, passthrough),
      .types = TLSALPN01 },
    { "passthrough-proxy-protocol", .parse = parse_bool,
      IN(Verification, passthrough_proxy_protocol), .types = TLSALPN01 },
    { "proxy-protocol", .parse = parse_ip, LIST(Verification, proxies), .types = HTTP01 },
    { "dns-server", .parse = parse_dns_server, LIST(Verification, dns_servers),
      .types = DNSUPDATE },
    { "resolver", .parse = parse_dns_server, LIST(Verification, resolvers), .types = DNSUPDATE },
    { "zone", .parse = parse_zone, IN(Verification, zone), .types = DNSUPDATE },
    { "tsig-key", .parse = parse_tsig_key, .types = DNSUPDATE },
    { "tsig-key-file", .parse = parse_secret_path, IN(Verification, tsig_key_file),
      .types = DNSUPDATE },
    { "sign-queries", .parse = parse_bool, IN(Verification, sign_queries), .types = DNSUPDATE },
    { "propagation-check", .parse = parse_either, IN(Verification, skip_propagation_check),
      .types = DNSUPDATE, .words = { "authoritative", "none" } },
    { "propagation-timeout", .parse = parse_unsigned, IN(Verification, propagation_timeout),
      .types = DNSUPDATE, .min = 1, .max = 86400 },
    { "ttl", .parse = parse_unsigned, IN(Verification, ttl), .types = DNSUPDATE, .min = 0,
      .max = INT32_MAX },
    { "timeout", .parse = parse_unsigned, IN(Verification, timeout), .types = DNSUPDATE, .min = 1,
      .max = 3600 },
    { "alias-zone", .parse = parse_zone, LIST(Verification, alias_zones), .types = DNSUPDATE },
    { "label", .parse = parse_either, IN(Verification, account_label), .types = DNSUPDATE,
      .words = { "none", "account" } },
};

static const ConfigKey storage_keys[] = {
    { "type", .parse = parse_type, IN(Storage, type) },
    { "directory", .parse = parse_path, IN(Storage, directory), .types = FILES },
    { "renew-within", .parse = parse_unsigned, IN(Storage, renew_within), .types = FILES, .min = 0,
      .max = 3650 },
    { "prefetch", .parse = parse_bool, IN(Storage, prefetch), .types = FILES },
    { "prefetch-forget", .parse = parse_unsigned, IN(Storage, prefetch_forget), .types = FILES,
      .min = 1, .max = 3650 },
};

static const ConfigKey auth_keys[] = {
    { "ip", .parse = parse_ip, LIST(AuthBlock, ips) },
    { "hmac_type", .parse = parse_hmac_type, IN(AuthBlock, hmac_type) },
    { "hmac_key", .parse = parse_hmac_key, IN(AuthBlock, hmac_key) },
    { "all", .parse = parse_all, IN(AuthBlock, all) },
    { "domain", .parse = parse_domain, LIST(AuthBlock, domains) },
    { "ip-san", .parse = parse_ip, LIST(AuthBlock, ip_sans) },
    { "verification", .parse = config_parse_references, IN(AuthBlock, verifications),
      .count = offsetof(AuthBlock, n_verifications), NAMES(verification_names) },
    { "storage", .parse = config_parse_reference, IN(AuthBlock, storage), NAMES(storage_names) },
    { "account", .parse = config_parse_references, IN(AuthBlock, accounts),
      .count = offsetof(AuthBlock, n_accounts), NAMES(account_names) },
    { "profile", .parse = parse_name, IN(AuthBlock, profile) },
    { "orders-per-day", .parse = parse_unsigned, IN(AuthBlock, orders_per_day),
      .max = CONFIG_BUDGET_MAX },
    { "hmac-max-age", .parse = parse_unsigned, IN(AuthBlock, hmac_max_age), .min = 1,
      .max = CONFIG_HMAC_AGE_MAX },
};

static const char *const verification_types[] = {
    [VERIFICATION_HTTP01] = "http01",
    [VERIFICATION_DNS01_DNSUPDATE] = "dns01-dnsUpdate",
    [VERIFICATION_TLSALPN01] = "tls-alpn01",
};

static const char *const storage_types[] = {
    [STORAGE_NONE] = "none",
    [STORAGE_FILE] = "file",
};

const Section config_sections[SECTION_MAX] = {
    [SECTION_ACCOUNT] = { "account", KEYS(account_keys), .unknown_key = LOG_ERR,
                          .list = offsetof(Config, accounts) },
    [SECTION_NAMED_ACCOUNT] = { "account", KEYS(account_keys), .unknown_key = LOG_ERR,
                                BLOCKS(AccountBlock, accounts), NAMES(account_names),
                                .finish = config_finish_account },
    [SECTION_STATE] = { "state", KEYS(state_keys), .unknown_key = LOG_WARNING },
    [SECTION_MGMT] = { "mgmt", KEYS(mgmt_keys), .unknown_key = LOG_WARNING },
    [SECTION_LOGGING] = { "logging", KEYS(logging_keys), .unknown_key = LOG_WARNING },
    [SECTION_SETUP] = { .word = "setup" },
    [SECTION_VERIFICATION] = { "verification", KEYS(verification_keys), .unknown_key = LOG_WARNING,
                               TYPES(verification_types), BLOCKS(Verification, verifications),
                               NAMES(verification_names), .finish = config_finish_verification },
    [SECTION_STORAGE] = { "storage", KEYS(storage_keys), .unknown_key = LOG_ERR,
                          TYPES(storage_types), BLOCKS(Storage, storages), NAMES(storage_names),
                          .finish = config_finish_storage },
    [SECTION_AUTH] = { "auth", KEYS(auth_keys), .unknown_key = LOG_ERR, BLOCKS(AuthBlock, auth),
                       NAMES(auth_names), .finish = config_finish_auth },
};
