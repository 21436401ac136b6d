/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An answer of a DNS server. The first byte selects the request. */

#include "dns/answer.h"
#include "strings/strv.h"

#define ID       0x6163
#define TSIG_MAC 3 /* the field of the record, RFC 8945 §4.2 */
#define FUDGE    300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char zone[] = "example.org", owner[] = "_acme-challenge.www.example.org",
            value[] = "gfj9Xq-_Rg85nM";

static const DnsText text = { .zone = zone, .owner = owner, .value = value };

static ldns_pkt *make_request(unsigned kind, const TsigKey *key)
{
    static const ldns_rr_type types[] = { LDNS_RR_TYPE_CNAME, LDNS_RR_TYPE_SOA, LDNS_RR_TYPE_NS,
                                          LDNS_RR_TYPE_TXT };
    ldns_pkt *request = NULL;
    uint8_t *wire = NULL;
    size_t size;
    int r = key ? dns_update_new(&text, true, 60, &request)
                : dns_query_new(kind % 4 == 2 ? zone : owner, types[kind % 4], true, &request);

    if (r < 0 || dns_request_encode(request, ID, key, &wire, &size) < 0)
        abort();
    free(wire);
    return request;
}

static void read_answer(const ldns_pkt *answer)
{
    _cleanup_free_ char *alias = NULL, *found = NULL;
    _cleanup_strv_ char **names = NULL;
    DnsServers servers = { 0 };
    char buf[DNS_WORDS_SIZE], refused[DNS_REFUSED_SIZE];
    const char *words = dns_answer_words(answer, buf);

    if (dns_answer_lacks_key(answer) && !*dns_refused_words(words, refused))
        abort();
    if (!*words || dns_answer_alias(answer, owner, &alias) < 0 ||
        dns_answer_zone(answer, owner, &found) < 0 ||
        dns_answer_name_servers(answer, zone, &names) < 0 ||
        dns_answer_addresses(answer, &servers) < 0)
        abort();
    if ((found && !dns_name_is_within(owner, found)) || strv_length(names) > DNS_NAMES_MAX ||
        servers.n > DNS_SERVERS_MAX)
        abort();
    (void)dns_answer_has_text(answer, &text);
    dns_servers_done(&servers);
}

/* Whether the message, decompressed and compressed again, is one that ldns can sign: it asserts
 * that it has the room. */
static bool is_small(const ldns_pkt *answer)
{
    _cleanup_free_ uint8_t *wire = NULL;
    size_t size;

    return ldns_pkt2wire(&wire, answer, &size) == LDNS_STATUS_OK && size < DNS_MESSAGE_SIZE_MAX;
}

/* Signs the answer as its server would. */
static int sign(const ldns_pkt *request, const TsigKey *key, ldns_pkt *answer, uint8_t **ret,
                size_t *ret_size)
{
    const ldns_rdf *mac = ldns_rr_rdf(ldns_pkt_tsig(request), TSIG_MAC);

    if (ldns_pkt_tsig(answer) || !is_small(answer) ||
        ldns_pkt_tsig_sign(answer, key->name, key->secret, FUDGE, key->algorithm->wire, mac) !=
            LDNS_STATUS_OK)
        return -EINVAL;
    return ldns_pkt2wire(ret, answer, ret_size) == LDNS_STATUS_OK ? 0 : -EINVAL;
}

/* The input with a signature: it is accepted, and with another content it is not. */
static void try_signed(const ldns_pkt *request, const TsigKey *key, const uint8_t *wire,
                       size_t size)
{
    _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL, *read = NULL;
    _cleanup_free_ uint8_t *own = NULL;

    if (ldns_wire2pkt(&answer, wire, size) != LDNS_STATUS_OK ||
        sign(request, key, answer, &own, &size) < 0 || size > DNS_MESSAGE_SIZE_MAX)
        return;
    if (dns_answer_parse(request, key, own, size, &read) == -EKEYREJECTED)
        abort();
    if (!read || ldns_pkt_get_rcode(read) != LDNS_RCODE_NOERROR)
        return;
    dns_packet_free(TAKE_PTR(read));
    own[2] ^= 1; /* RD: no part of what is compared with the request */
    if (dns_answer_parse(request, key, own, size, &read) != -EKEYREJECTED)
        abort();
}

/* The input as the record of an update. */
static void try_update(const uint8_t *data, size_t size)
{
    DnsText own = {
        .zone = strdup(zone),
        .owner = strndup((const char *)data, size),
        .value = strndup((const char *)data, size),
    };
    _cleanup_(dns_packet_freep) ldns_pkt *update = NULL, *remove = NULL;

    if (own.zone && own.owner && own.value &&
        dns_update_new(&own, true, 60, &update) != dns_update_new(&own, false, 60, &remove))
        abort();
    dns_text_done(&own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static TsigKey *key;
    char why[TSIG_WHY_SIZE];

    if (!key && tsig_key_parse("hmac-sha256:acmems:c2VjcmV0", why, &key) < 0)
        abort();
    if (size == 0)
        return 0;
    try_update(data, size);
    for (unsigned is_signed = 0; is_signed < 2; is_signed++) {
        const TsigKey *with = is_signed ? key : NULL;
        _cleanup_(dns_packet_freep) ldns_pkt *request = make_request(data[0], with);
        _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;

        if (is_signed)
            try_signed(request, with, data + 1, size - 1);
        if (dns_answer_parse(request, with, data + 1, size - 1, &answer) >= 0)
            read_answer(answer);
    }
    return 0;
}
