/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator/socket-units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/macro.h"
#include "log/log.h"

#define SECTION "Socket"

/* Of the name of a unit without its type. systemd.unit(5): 255 bytes with it. */
#define NAME_SIZE 224
#define NAME_ROOM 32 /* left by the longest part of a name, for what follows it */

/* An address of the configuration, which owns it. */
typedef struct Listener {
    const ListenAddress *address;
    size_t rank; /* its place in the configuration */
} Listener;

/* All addresses of one socket unit. */
typedef struct Listeners {
    Listener *list;
    size_t n;
} Listeners;

static void listeners_done(Listeners *listeners)
{
    free(listeners->list);
}

static int listener_compare(const void *a, const void *b)
{
    const Listener *x = a, *y = b;
    int r = listen_address_compare(x->address, y->address);

    return r != 0 ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Two blocks may name the same address: the first one counts. */
static void sort_unique(Listeners *listeners)
{
    Listener *list = listeners->list;
    size_t n = 0;

    qsort(list, listeners->n, sizeof(*list), listener_compare);
    for (size_t i = 0; i < listeners->n; i++)
        if (n == 0 || listen_address_compare(list[n - 1].address, list[i].address) != 0)
            list[n++] = list[i];
    listeners->n = n;
}

/* Whether the main unit listens at @a rather than at @b. */
static bool is_before(const Listener *a, const Listener *b)
{
    if (!a->address->interface != !b->address->interface)
        return !a->address->interface;
    return a->rank < b->rank;
}

/* At a reload of its configuration, systemd closes what a unit no longer has. So an address that is
 * added to the configuration must not take the main unit from the one that has it. */
static void put_main_first(Listeners *listeners)
{
    Listener *list = listeners->list, chosen;
    size_t best = 0;

    for (size_t i = 1; i < listeners->n; i++)
        if (is_before(&list[i], &list[best]))
            best = i;
    chosen = list[best];
    list[best] = list[0];
    list[0] = chosen;
}

static int listeners_add(Listeners *listeners, const ListenAddress *addresses, size_t n)
{
    Listener *grown;

    if (n == 0)
        return 0;
    grown = reallocarray(listeners->list, listeners->n + n, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    listeners->list = grown;
    for (size_t i = 0; i < n; i++, listeners->n++)
        grown[listeners->n] = (Listener){ &addresses[i], listeners->n };
    return 0;
}

static int collect_mgmt(const Config *config, Listeners *listeners)
{
    return listeners_add(listeners, config->listeners, config->n_listeners);
}

static int collect_type(const Config *config, VerificationType type, Listeners *listeners)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < config->n_verifications; i++) {
        const Verification *verification = config->verifications[i];

        if (verification->type == type)
            r = listeners_add(listeners, verification->listeners, verification->n_listeners);
    }
    return r;
}

static int collect_http01(const Config *config, Listeners *listeners)
{
    return collect_type(config, VERIFICATION_HTTP01, listeners);
}

static int collect_tlsalpn01(const Config *config, Listeners *listeners)
{
    return collect_type(config, VERIFICATION_TLSALPN01, listeners);
}

/* Not merely switched off: FreeBind= takes care of that. */
static bool kernel_lacks_ipv6(void)
{
    _cleanup_close_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 && errno == EAFNOSUPPORT;
}

/* The unit of an address that cannot exist would fail at each boot. So IPv6 addresses are left out,
 * unless there is no other. */
static void drop_ipv6(Listeners *listeners, const char *name)
{
    size_t n = 0;

    for (size_t i = 0; i < listeners->n; i++)
        n += listeners->list[i].address->kind != LISTEN_INET6;
    if (n == 0 || n == listeners->n || !kernel_lacks_ipv6())
        return;
    n = 0;
    for (size_t i = 0; i < listeners->n; i++)
        if (listeners->list[i].address->kind != LISTEN_INET6)
            listeners->list[n++] = listeners->list[i];
    listeners->n = n;
    (void)log_full(LOG_WARNING, 0,
                   "acmems-%s.socket does not listen on its IPv6 addresses, because this kernel "
                   "has no IPv6. To silence this, list only the other addresses as listener in the "
                   "configuration.",
                   name);
}

static void set_stream(UnitFile *file, const ListenAddress *address)
{
    char text[LISTEN_ADDRESS_SIZE];

    unit_file_set(file, SECTION, "ListenStream", listen_address_format(address, text));
}

/* Writes the address without its scope: systemd would look up the interface when it loads the unit,
 * too early at boot. bind(2) takes the scope from SO_BINDTODEVICE. */
static void set_address(UnitFile *file, const ListenAddress *address)
{
    set_stream(file, address);
    if (address->interface)
        unit_file_set(file, SECTION, "BindToDevice", address->interface);
    if (listen_address_needs_network(address))
        unit_file_set(file, SECTION, "FreeBind", "yes");
}

/* BindToDevice= waits for the interface, which may come from a network manager that starts after
 * sockets.target. So the unit has the default dependencies except that target, which would wait
 * too. */
static void set_late(UnitFile *file)
{
    static const struct {
        const char *key, *value;
    } table[] = {
        { "DefaultDependencies", "no" }, { "Requires", "sysinit.target" },
        { "After", "sysinit.target" },   { "Conflicts", "shutdown.target" },
        { "Before", "shutdown.target" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        unit_file_set(file, "Unit", table[i].key, table[i].value);
}

static int write_drop_in(const UnitDirectory *where, const char *socket,
                         const ListenAddress *address)
{
    _cleanup_(unit_file_done) UnitFile file = { 0 };
    int r = unit_file_open(&file, where);

    if (r < 0)
        return r;
    if (address->interface)
        set_late(&file);
    set_address(&file, address);
    return unit_file_write_drop_in(&file, socket);
}

/* Appends what a unit name can have as it is, and escapes the rest as systemd-escape(1) does. */
static void append_escaped(char name[NAME_SIZE], const char *text)
{
    size_t length = strlen(name);

    for (; *text && length < NAME_SIZE - STRLEN("\\x2d") - 1; text++)
        if (isalnum((unsigned char)*text) || strchr("_:.", *text))
            name[length++] = *text;
        else
            length += (size_t)sprintf(name + length, "\\x%02x", (unsigned char)*text);
    name[length] = '\0';
}

/* FNV-1a: tells paths of one administrator apart. */
static uint32_t hash_path(const char *path)
{
    uint32_t hash = 2166136261U;

    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 16777619U;
    return hash;
}

/* "mgmt-[INTERFACE-]ADDRESS:PORT". A name does not depend on the other addresses. */
static void name_internet_unit(char ret[NAME_SIZE], const char *name, const ListenAddress *address)
{
    char port[sizeof(":65535")];

    (void)snprintf(ret, NAME_SIZE, "acmems-%s-", name);
    if (address->interface) {
        append_escaped(ret, address->interface);
        (void)strcat(ret, "-");
    }
    append_escaped(ret, address->address);
    (void)snprintf(port, sizeof(port), ":%u", address->port);
    (void)strcat(ret, port);
}

/* "mgmt.unix-PATH": the drop-ins of acmems-mgmt-.socket.d, which may set Accept=yes, do not apply
 * to it. With that, systemd would name the unit of a connection by a number of the socket and by
 * the process of the client, so that a client of two sockets could get the same name twice, at
 * which systemd closes a socket. A path may be longer than the name of a unit: then its hash tells
 * it from others. */
static void name_unix_unit(char ret[NAME_SIZE], const char *name, const ListenAddress *address)
{
    char hash[sizeof("-01234567")];

    (void)snprintf(ret, NAME_SIZE, "acmems-%s.unix-", name);
    append_escaped(ret, address->address);
    if (strlen(ret) <= NAME_SIZE - NAME_ROOM)
        return;
    (void)snprintf(hash, sizeof(hash), "-%08" PRIx32, hash_path(address->address));
    ret[NAME_SIZE - NAME_ROOM] = '\0';
    (void)strcat(ret, hash);
}

static void name_unit(char ret[NAME_SIZE], const char *name, const ListenAddress *address)
{
    if (address->kind == LISTEN_UNIX)
        name_unix_unit(ret, name, address);
    else
        name_internet_unit(ret, name, address);
}

/* The services of the main socket under the name of this one, so that Accept=yes works as there. */
static int write_aliases(const UnitDirectory *where, const char *unit, const char *name)
{
    static const char *const kinds[] = { ".service", "@.service" };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(kinds); i++) {
        char alias[NAME_SIZE + 16], service[64];

        (void)snprintf(alias, sizeof(alias), "%s%s", unit, kinds[i]);
        (void)snprintf(service, sizeof(service), "acmems-%s%s", name, kinds[i]);
        r = unit_file_write_alias(where, alias, service);
    }
    return r;
}

/* A unit of its own for one address: if it cannot be opened, the others can. */
static int write_own(const UnitDirectory *where, const char *name, const char *socket,
                     const ListenAddress *address)
{
    _cleanup_(unit_file_done) UnitFile file = { 0 };
    _cleanup_free_ char *description = NULL;
    char unit[NAME_SIZE], full[NAME_SIZE + 16], text[LISTEN_ADDRESS_SIZE];
    int r = unit_file_open(&file, where);

    if (r < 0)
        return r;
    if (asprintf(&description, "Socket of acmems-%s at %s%s%s", name,
                 listen_address_format(address, text), address->interface ? " on " : "",
                 str_or(address->interface, "")) < 0) {
        description = NULL;
        return -ENOMEM;
    }
    name_unit(unit, name, address);
    (void)snprintf(full, sizeof(full), "%s.socket", unit);
    unit_file_set(&file, "Unit", "Description", description);
    unit_file_set(&file, "Unit", "Documentation", "man:acmems.ini(5)");
    unit_file_set(&file, "Unit", "SourcePath", where->source);
    unit_file_set(&file, "Unit", "PartOf", socket);
    unit_file_set(&file, "Unit", "After", socket); /* which may have to release the address first */
    if (address->interface)
        set_late(&file);
    unit_file_set(&file, SECTION, "BindIPv6Only", "ipv6-only");
    unit_file_set(&file, SECTION, "Backlog", "4096");
    unit_file_set(&file, SECTION, "RemoveOnStop", "yes");
    set_address(&file, address);
    r = unit_file_write_unit(&file, full, socket);
    return r < 0 ? r : write_aliases(where, unit, name);
}

static int write_all(const UnitDirectory *where, const char *name, const Listeners *listeners)
{
    char socket[64];
    int r;

    (void)snprintf(socket, sizeof(socket), "acmems-%s.socket", name);
    r = write_drop_in(where, socket, listeners->list[0].address);
    for (size_t i = 1; r >= 0 && i < listeners->n; i++)
        r = write_own(where, name, socket, listeners->list[i].address);
    return r;
}

int socket_units_write(const UnitDirectory *where, const Config *config)
{
    static const struct {
        const char *name;
        int (*collect)(const Config *config, Listeners *listeners);
    } sockets[] = {
        { "mgmt", collect_mgmt },
        { "http01", collect_http01 },
        { "tlsalpn01", collect_tlsalpn01 },
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(sockets); i++) {
        _cleanup_(listeners_done) Listeners listeners = { 0 };

        r = sockets[i].collect(config, &listeners);
        if (r < 0)
            return r;
        if (listeners.n == 0)
            continue;
        drop_ipv6(&listeners, sockets[i].name);
        sort_unique(&listeners);
        put_main_first(&listeners);
        r = write_all(where, sockets[i].name, &listeners);
    }
    return r;
}
