/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator/socket-units.h"

#include <ctype.h>
#include <net/if.h>

#include "base/macro.h"

#define SECTION "Socket"

/* All addresses of one socket unit; the strings are borrowed from the configuration. */
typedef struct Listeners {
    ListenAddress *list;
    size_t n;
} Listeners;

static void listeners_done(Listeners *listeners)
{
    free(listeners->list);
}

static int listeners_compare(const void *a, const void *b)
{
    return listen_address_compare(a, b);
}

/* Sorting puts the addresses of one interface together. Two blocks may name the same address. */
static void sort_unique(Listeners *listeners)
{
    ListenAddress *list = listeners->list;
    size_t n = 0;

    qsort(list, listeners->n, sizeof(*list), listeners_compare);
    for (size_t i = 0; i < listeners->n; i++)
        if (n == 0 || listen_address_compare(&list[n - 1], &list[i]) != 0)
            list[n++] = list[i];
    listeners->n = n;
}

static int listeners_add(Listeners *listeners, const ListenAddress *addresses, size_t n)
{
    ListenAddress *grown;

    if (n == 0)
        return 0;
    grown = reallocarray(listeners->list, listeners->n + n, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    memcpy(&grown[listeners->n], addresses, n * sizeof(*grown));
    listeners->list = grown;
    listeners->n += n;
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

static bool same_interface(const ListenAddress *a, const ListenAddress *b)
{
    return streq(str_or(a->interface, ""), str_or(b->interface, ""));
}

/* Removes the addresses that share the interface of the first one from the front. */
static Listeners take_group(Listeners *listeners)
{
    Listeners group = { .list = listeners->list };

    while (group.n < listeners->n && same_interface(&listeners->list[group.n], &group.list[0]))
        group.n++;
    listeners->list += group.n;
    listeners->n -= group.n;
    return group;
}

static void set_stream(UnitFile *file, const ListenAddress *address)
{
    char text[LISTEN_ADDRESS_SIZE];

    unit_file_set(file, SECTION, "ListenStream", listen_address_format(address, text));
}

/* Writes the address without its scope: systemd would look up the interface when it loads the unit,
 * too early at boot. bind(2) takes the scope from SO_BINDTODEVICE. */
static void set_group(UnitFile *file, const Listeners *group)
{
    const char *interface = group->list[0].interface;
    bool needs_network = false;

    for (size_t i = 0; i < group->n; i++) {
        set_stream(file, &group->list[i]);
        needs_network |= listen_address_needs_network(&group->list[i]);
    }
    if (interface)
        unit_file_set(file, SECTION, "BindToDevice", interface);
    if (needs_network)
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

static int write_drop_in(const UnitDirectory *where, const char *socket, const Listeners *group)
{
    _cleanup_(unit_file_done) UnitFile file = { 0 };
    int r = unit_file_open(&file, where);

    if (r < 0)
        return r;
    if (group->list[0].interface)
        set_late(&file);
    set_group(&file, group);
    return unit_file_write_drop_in(&file, socket);
}

/* Escapes as systemd-escape(1) does, and the dot as well. */
static void escape_interface(const char *interface, char ret[4 * IF_NAMESIZE])
{
    for (; *interface; interface++)
        if (isalnum((unsigned char)*interface) || *interface == '_')
            *ret++ = *interface;
        else
            ret += sprintf(ret, "\\x%02x", (unsigned char)*interface);
    *ret = '\0';
}

static int write_own(const UnitDirectory *where, const char *name, const char *socket,
                     const Listeners *group)
{
    _cleanup_(unit_file_done) UnitFile file = { 0 };
    char interface[4 * IF_NAMESIZE], unit[128], service[64], description[64];
    int r = unit_file_open(&file, where);

    if (r < 0)
        return r;
    escape_interface(group->list[0].interface, interface);
    (void)snprintf(unit, sizeof(unit), "acmems-%s-%s.socket", name, interface);
    (void)snprintf(service, sizeof(service), "acmems-%s.service", name);
    (void)snprintf(description, sizeof(description), "Socket of acmems-%s on %s", name,
                   group->list[0].interface);
    unit_file_set(&file, "Unit", "Description", description);
    unit_file_set(&file, "Unit", "Documentation", "man:acmems.ini(5)");
    unit_file_set(&file, "Unit", "SourcePath", where->source);
    unit_file_set(&file, "Unit", "PartOf", socket);
    unit_file_set(&file, "Unit", "After", socket); /* which may have to release the address first */
    set_late(&file);
    unit_file_set(&file, SECTION, "Service", service);
    unit_file_set(&file, SECTION, "BindIPv6Only", "ipv6-only");
    unit_file_set(&file, SECTION, "Backlog", "4096");
    set_group(&file, group);
    return unit_file_write_unit(&file, unit, socket);
}

static int write_all_groups(const UnitDirectory *where, const char *name, Listeners listeners)
{
    char socket[64];
    Listeners group;
    int r;

    (void)snprintf(socket, sizeof(socket), "acmems-%s.socket", name);
    group = take_group(&listeners);
    r = write_drop_in(where, socket, &group);
    while (r >= 0 && listeners.n > 0) {
        group = take_group(&listeners);
        r = write_own(where, name, socket, &group);
    }
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
        sort_unique(&listeners);
        r = write_all_groups(where, sockets[i].name, listeners);
    }
    return r;
}
