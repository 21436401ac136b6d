/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/message.h"

#include <stdio.h>

#include "x509/dns-name.h"

/* RFC 8945 §10: permitted difference between clocks, s. */
#define FUDGE 300U
/* Fields of a TSIG record (RFC 8945 §4.2). */
enum { TSIG_ALGORITHM, TSIG_TIME, TSIG_FUDGE, TSIG_MAC, TSIG_ORIGINAL_ID, TSIG_ERROR, TSIG_OTHER };

void dns_text_done(DnsText *text)
{
    free(text->zone);
    free(text->owner);
    free(text->value);
    *text = (DnsText){ 0 };
}

ldns_rdf *dns_name_to_rdf(const char *name)
{
    return ldns_dname_new_frm_str(*name ? name : ".");
}

char *dns_name_from_rdf(const ldns_rdf *rdf)
{
    char *text = ldns_rdf2str(rdf);
    size_t length = text ? strlen(text) : 0;

    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = '\0';
    if (text)
        dns_name_fold(text);
    return text;
}

bool dns_name_is_within(const char *name, const char *zone)
{
    return !*zone || streq(name, zone) || dns_name_is_below(name, zone);
}

int dns_query_new(const char *name, ldns_rr_type type, bool recursive, ldns_pkt **ret)
{
    ldns_rdf *owner = dns_name_to_rdf(name);
    ldns_pkt *query;

    if (!owner)
        return -EINVAL;
    query = ldns_pkt_query_new(owner, type, LDNS_RR_CLASS_IN, recursive ? LDNS_RD : 0);
    if (!query) {
        ldns_rdf_deep_free(owner);
        return -ENOMEM;
    }
    *ret = query;
    return 0;
}

static ldns_rdf *value_to_rdf(const char *value)
{
    uint8_t data[256];
    size_t length = strlen(value);

    if (length > UINT8_MAX)
        return NULL;
    data[0] = (uint8_t)length;
    memcpy(data + 1, value, length);
    return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, length + 1, data);
}

/* RFC 2136 §2.5.4: class NONE and TTL 0 delete a record. */
static ldns_rr *record_new(const DnsText *text, bool add, unsigned ttl)
{
    ldns_rdf *owner = dns_name_to_rdf(text->owner), *value = value_to_rdf(text->value);
    ldns_rr *record = owner && value ? ldns_rr_new() : NULL;

    if (!record || !ldns_rr_push_rdf(record, value)) {
        ldns_rr_free(record);
        ldns_rdf_deep_free(owner);
        ldns_rdf_deep_free(value);
        return NULL;
    }
    ldns_rr_set_owner(record, owner);
    ldns_rr_set_type(record, LDNS_RR_TYPE_TXT);
    ldns_rr_set_class(record, add ? LDNS_RR_CLASS_IN : LDNS_RR_CLASS_NONE);
    ldns_rr_set_ttl(record, add ? ttl : 0);
    return record;
}

int dns_update_new(const DnsText *text, bool add, unsigned ttl, ldns_pkt **ret)
{
    ldns_rdf *zone = dns_name_to_rdf(text->zone);
    ldns_rr_list *records = ldns_rr_list_new();
    ldns_rr *record = record_new(text, add, ttl);
    ldns_pkt *update = NULL;

    if (record && records && !ldns_rr_list_push_rr(records, record))
        ldns_rr_free(record);
    else if (zone && records && record)
        update = ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, NULL, records, NULL);
    if (!records)
        ldns_rr_free(record);
    ldns_rr_list_deep_free(records);
    if (!update) {
        ldns_rdf_deep_free(zone);
        return -EINVAL;
    }
    *ret = update;
    return 0;
}

int dns_request_encode(ldns_pkt *request, uint16_t id, const TsigKey *key, uint8_t **ret,
                       size_t *ret_size)
{
    ldns_pkt_set_id(request, id);
    ldns_rr_free(ldns_pkt_tsig(request));
    ldns_pkt_set_tsig(request, NULL);
    if (key && ldns_pkt_tsig_sign(request, key->name, key->secret, FUDGE, key->algorithm->wire,
                                  NULL) != LDNS_STATUS_OK)
        return -EINVAL;
    return ldns_pkt2wire(ret, request, ret_size) == LDNS_STATUS_OK ? 0 : -EINVAL;
}

uint16_t dns_wire_id(const uint8_t *wire)
{
    return (uint16_t)(wire[0] << 8 | wire[1]);
}

static const ldns_rr *only_question(const ldns_pkt *packet)
{
    const ldns_rr_list *list = ldns_pkt_question(packet);

    return ldns_rr_list_rr_count(list) == 1 ? ldns_rr_list_rr(list, 0) : NULL;
}

/* A server may omit the question if it does not understand it, or in answer to an update (RFC 2136
 * §3.8). */
static bool has_question_of(const ldns_pkt *request, const ldns_pkt *answer)
{
    const ldns_rr *asked = only_question(request), *answered = only_question(answer);
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

    if (ldns_rr_list_rr_count(ldns_pkt_question(answer)) == 0)
        return ldns_pkt_get_opcode(request) == LDNS_PACKET_UPDATE ||
               (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN);
    return answered && ldns_rr_get_type(asked) == ldns_rr_get_type(answered) &&
           ldns_rr_get_class(asked) == ldns_rr_get_class(answered) &&
           ldns_dname_compare(ldns_rr_owner(asked), ldns_rr_owner(answered)) == 0;
}

static bool is_answer_to(const ldns_pkt *request, const ldns_pkt *answer)
{
    return ldns_pkt_qr(answer) && ldns_pkt_id(answer) == ldns_pkt_id(request) &&
           ldns_pkt_get_opcode(answer) == ldns_pkt_get_opcode(request) &&
           has_question_of(request, answer);
}

static uint64_t rdf_to_number(const ldns_rdf *rdf)
{
    uint64_t number = 0;

    for (size_t i = 0; i < ldns_rdf_size(rdf) && i < sizeof(number); i++)
        number = number << 8 | ldns_rdf_data(rdf)[i];
    return number;
}

static const ldns_rdf *tsig_field(const ldns_pkt *packet, size_t field)
{
    const ldns_rr *tsig = ldns_pkt_tsig(packet);

    return tsig && ldns_rr_rd_count(tsig) > TSIG_OTHER ? ldns_rr_rdf(tsig, field) : NULL;
}

static bool is_name(const ldns_rdf *rdf, const char *name)
{
    _cleanup_free_ char *text = dns_name_from_rdf(rdf);
    size_t length = strlen(name);

    if (length > 0 && name[length - 1] == '.')
        length--;
    return text && strlen(text) == length && strncasecmp(text, name, length) == 0;
}

/* Checks the fields that ldns takes from the answer instead of comparing them with the request. */
static bool is_signed_by(const ldns_pkt *answer, const TsigKey *key)
{
    const ldns_rdf *algorithm = tsig_field(answer, TSIG_ALGORITHM);
    uint64_t then, now = (uint64_t)time(NULL);

    if (!algorithm || ldns_rr_get_class(ldns_pkt_tsig(answer)) != LDNS_RR_CLASS_ANY ||
        !is_name(algorithm, key->algorithm->wire) ||
        !is_name(ldns_rr_owner(ldns_pkt_tsig(answer)), key->name) ||
        rdf_to_number(tsig_field(answer, TSIG_ERROR)) != 0)
        return false;
    then = rdf_to_number(tsig_field(answer, TSIG_TIME));
    return (then > now ? then - now : now - then) <= FUDGE;
}

/* Whether an answer says what was requested: only then it must be signed. A refusal may come from a
 * server that does not have the key. It grants and tells nothing. */
static bool is_result(const ldns_pkt *answer)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

    return rcode == LDNS_RCODE_NOERROR ||
           (rcode == LDNS_RCODE_NXDOMAIN && ldns_pkt_get_opcode(answer) == LDNS_PACKET_QUERY);
}

/* If an update was forwarded (RFC 2136 §6), its answer was signed with the original id, which ldns
 * does not restore (RFC 8945 §5.3.2). */
static bool is_verified(const ldns_pkt *request, const TsigKey *key, const uint8_t *wire,
                        size_t size, ldns_pkt *answer)
{
    const ldns_rdf *mac = tsig_field(request, TSIG_MAC), *id = tsig_field(answer, TSIG_ORIGINAL_ID);
    _cleanup_free_ uint8_t *original = NULL;

    if (!mac || !is_signed_by(answer, key) || ldns_rdf_size(id) != sizeof(uint16_t))
        return false;
    original = malloc(size);
    if (!original)
        return false;
    memcpy(original, wire, size);
    memcpy(original, ldns_rdf_data(id), sizeof(uint16_t));
    return ldns_pkt_tsig_verify(answer, original, size, key->name, key->secret, mac);
}

int dns_answer_parse(const ldns_pkt *request, const TsigKey *key, const uint8_t *wire, size_t size,
                     ldns_pkt **ret)
{
    _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;
    ldns_status status;

    if (size < DNS_HEADER_SIZE || dns_wire_id(wire) != ldns_pkt_id(request))
        return -EBADMSG;
    if (size > DNS_MESSAGE_SIZE_MAX)
        return -EFBIG;
    status = ldns_wire2pkt(&answer, wire, size);
    if (status == LDNS_STATUS_MEM_ERR)
        return -ENOMEM;
    if (status != LDNS_STATUS_OK || !is_answer_to(request, answer))
        return -EBADMSG;
    if (key && is_result(answer) && !is_verified(request, key, wire, size, answer))
        return ldns_pkt_tsig(answer) ? -EKEYREJECTED : -ENOKEY;
    *ret = TAKE_PTR(answer);
    return 0;
}

/* RFC 8945 §3 */
static const struct {
    unsigned number;
    const char *word;
    bool has_key; /* the server has the key */
} tsig_errors[] = { { 16, "(BADSIG)", true },
                    { 17, "(BADKEY)", false },
                    { 18, "(BADTIME)", true },
                    { 22, "(BADTRUNC)", true },
                    { 0, "", false } };

/* Returns the index of an answer's TSIG error; of the last row: none, or an unknown one. */
static size_t find_tsig_error(const ldns_pkt *answer)
{
    const ldns_rdf *error = tsig_field(answer, TSIG_ERROR);
    size_t i = 0;

    while (i < ELEMENTSOF(tsig_errors) - 1 &&
           !(error && rdf_to_number(error) == tsig_errors[i].number))
        i++;
    return i;
}

bool dns_answer_lacks_key(const ldns_pkt *answer)
{
    return ldns_pkt_get_opcode(answer) == LDNS_PACKET_QUERY &&
           ldns_pkt_get_rcode(answer) == LDNS_RCODE_NOTAUTH &&
           !tsig_errors[find_tsig_error(answer)].has_key;
}

const char *dns_answer_words(const ldns_pkt *answer, char buf[DNS_WORDS_SIZE])
{
    static const char *const words[] = {
        "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
        "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
    };
    const char *tsig_error = tsig_errors[find_tsig_error(answer)].word;
    unsigned rcode = ldns_pkt_get_rcode(answer);

    if (rcode < ELEMENTSOF(words))
        (void)snprintf(buf, DNS_WORDS_SIZE, "%s%s", words[rcode], tsig_error);
    else
        (void)snprintf(buf, DNS_WORDS_SIZE, "RCODE %u%s", rcode, tsig_error);
    return buf;
}

const char *dns_refused_words(const char *refused, char buf[DNS_REFUSED_SIZE])
{
    if (!*refused)
        return "";
    (void)snprintf(buf, DNS_REFUSED_SIZE, " (%s to the signed query)", refused);
    return buf;
}
