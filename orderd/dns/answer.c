/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/answer.h"

#include <stdio.h>

#include "strings/strv.h"
#include "x509/dns-name.h"

/* Called for each record of a section that has this owner (NULL: any) and type, until a call
 * returns another value than 0. */
typedef int (*record_cb)(const ldns_rr *record, void *userdata);

static int each_record(const ldns_rr_list *section, const char *owner, ldns_rr_type type,
                       record_cb callback, void *userdata)
{
    size_t n = ldns_rr_list_rr_count(section);
    ldns_rdf *name = owner ? dns_name_to_rdf(owner) : NULL;
    int r = owner && !name ? -EINVAL : 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        const ldns_rr *record = ldns_rr_list_rr(section, i);

        if (ldns_rr_get_type(record) == type && ldns_rr_get_class(record) == LDNS_RR_CLASS_IN &&
            (!name || ldns_dname_compare(ldns_rr_owner(record), name) == 0))
            r = callback(record, userdata);
    }
    ldns_rdf_deep_free(name);
    return r;
}

/* Takes the first field if it is a name. */
static int take_target(const ldns_rr *record, void *userdata)
{
    const ldns_rdf *target = ldns_rr_rd_count(record) > 0 ? ldns_rr_rdf(record, 0) : NULL;
    char **ret = userdata;

    if (!target || ldns_rdf_get_type(target) != LDNS_RDF_TYPE_DNAME)
        return 0;
    *ret = dns_name_from_rdf(target);
    return *ret ? 1 : -ENOMEM;
}

/* Replaces the owner at the end of the name with the target: with the owner "example.org" the part
 * "_acme-challenge.www" of "_acme-challenge.www.example.org" stays. */
static int substitute(const char *name, const char *owner, const char *target, char **ret)
{
    size_t length = strlen(name) - strlen(owner);

    /* A name that becomes too long does not exist (RFC 6672 §2.2). */
    if (asprintf(ret, "%.*s%s", (int)(*target ? length : length - 1), name, target) < 0) {
        *ret = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* RFC 6672 §3.4: the matching CNAME may be missing. */
static int find_dname(const ldns_pkt *answer, const char *name, char **ret)
{
    for (const char *owner = strchr(name, '.'); owner; owner = strchr(owner, '.')) {
        _cleanup_free_ char *target = NULL;
        int r =
            each_record(ldns_pkt_answer(answer), ++owner, LDNS_RR_TYPE_DNAME, take_target, &target);

        if (r != 0)
            return r < 0 ? r : substitute(name, owner, target, ret);
    }
    return 0;
}

int dns_answer_alias(const ldns_pkt *answer, const char *name, char **ret)
{
    char *target = NULL;
    int r = each_record(ldns_pkt_answer(answer), name, LDNS_RR_TYPE_CNAME, take_target, &target);

    if (r == 0)
        r = find_dname(answer, name, &target);
    if (r < 0)
        return r;
    *ret = target;
    return 0;
}

typedef struct ZoneSearch {
    const char *name;
    char *zone;
} ZoneSearch;

static int take_zone(const ldns_rr *record, void *userdata)
{
    ZoneSearch *search = userdata;
    _cleanup_free_ char *owner = dns_name_from_rdf(ldns_rr_owner(record));

    if (!owner)
        return -ENOMEM;
    if (!dns_name_is_within(search->name, owner))
        return 0;
    search->zone = TAKE_PTR(owner);
    return 1;
}

/* RFC 2308 §3: in a negative answer an authoritative server names the zone in the authority
 * section. */
int dns_answer_zone(const ldns_pkt *answer, const char *name, char **ret)
{
    ZoneSearch search = { .name = name };
    int r = each_record(ldns_pkt_answer(answer), name, LDNS_RR_TYPE_SOA, take_zone, &search);

    if (r == 0)
        r = each_record(ldns_pkt_authority(answer), NULL, LDNS_RR_TYPE_SOA, take_zone, &search);
    if (r < 0)
        return r;
    *ret = search.zone;
    return 0;
}

static int take_name_server(const ldns_rr *record, void *userdata)
{
    _cleanup_free_ char *name = NULL;
    char ***list = userdata;
    int r = take_target(record, &name);

    if (r <= 0 || strv_contains(*list, name))
        return r < 0 ? r : 0;
    r = strv_extend(list, name);
    return r < 0 ? r : strv_length(*list) == DNS_NAMES_MAX;
}

int dns_answer_name_servers(const ldns_pkt *answer, const char *zone, char ***ret)
{
    _cleanup_strv_ char **list = NULL;
    int r = each_record(ldns_pkt_answer(answer), zone, LDNS_RR_TYPE_NS, take_name_server, &list);

    if (r < 0)
        return r;
    *ret = TAKE_PTR(list);
    return 0;
}

static int take_address(const ldns_rr *record, void *userdata)
{
    const ldns_rdf *octets = ldns_rr_rd_count(record) > 0 ? ldns_rr_rdf(record, 0) : NULL;
    DnsServer server;

    if (!octets ||
        dns_server_from_octets(ldns_rdf_data(octets), ldns_rdf_size(octets), &server) < 0)
        return 0;
    return dns_servers_add(userdata, &server);
}

/* Any owner: the name of a server may be an alias, in spite of RFC 2181 §10.3. */
int dns_answer_addresses(const ldns_pkt *answer, DnsServers *servers)
{
    int r = each_record(ldns_pkt_answer(answer), NULL, LDNS_RR_TYPE_A, take_address, servers);

    return r < 0 ? r
                 : each_record(ldns_pkt_answer(answer), NULL, LDNS_RR_TYPE_AAAA, take_address,
                               servers);
}

/* The strings of a record are one value (RFC 8555 §8.4, as in RFC 7208 §3.3). */
static int compare_value(const ldns_rr *record, void *userdata)
{
    const char *value = userdata;

    for (size_t i = 0; i < ldns_rr_rd_count(record); i++) {
        const ldns_rdf *string = ldns_rr_rdf(record, i);
        size_t size = ldns_rdf_size(string);
        const char *data = (const char *)ldns_rdf_data(string);

        if (size == 0 || strnlen(value, size) < size - 1 || memcmp(data + 1, value, size - 1) != 0)
            return 0;
        value += size - 1;
    }
    return !*value;
}

bool dns_answer_has_text(const ldns_pkt *answer, const DnsText *text)
{
    return each_record(ldns_pkt_answer(answer), text->owner, LDNS_RR_TYPE_TXT, compare_value,
                       text->value) > 0;
}
