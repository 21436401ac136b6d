/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* DNS messages (RFC 1035, RFC 2136, RFC 8945): what is asked, and what an answer says. Nothing here
 * sends anything. Names are text: lower case, without the dot at the end, the root is "". */

/* First: ldns makes itself a bool that holds something else than true and false where there is none
 * yet. */
#include <stdbool.h>

#include <ldns/ldns.h>

#include "base/macro.h"
#include "config/dns-server.h"
#include "config/tsig-key.h"

/* Of the 65535 bytes that there may be (RFC 1035 §4.2.2). ldns follows the compression pointers of
 * each name one by one, and a message may be names of pointers to pointers all over: the time for
 * them grows with the square of its size, to 0.5 s at 64 KiB, for which the only thread would do
 * nothing else. At 16 KiB it is 0.04 s. We ask for one set of records at a time: thirteen name
 * servers with their addresses have 1 KiB, and 250 challenges beside each other at one name 14. */
#define DNS_MESSAGE_SIZE_MAX 16384U
#define DNS_HEADER_SIZE      12U

/* One TXT record. */
typedef struct DnsText {
    char *zone; /* that it is in */
    char *owner;
    char *value; /* up to 255 bytes */
} DnsText;

void dns_text_done(DnsText *text);

/* A question; @recursive: to a resolver. 0, -EINVAL: it is no name; -ENOMEM. */
int dns_query_new(const char *name, ldns_rr_type type, bool recursive, ldns_pkt **ret);

/* RFC 2136: adds the record beside others, or removes it (§2.5.1, §2.5.4). @ttl: s. The same. */
int dns_update_new(const DnsText *text, bool add, unsigned ttl, ldns_pkt **ret);

/* Bytes of a request under this id, signed unless @key is NULL; the signature stays in @request.
 * 0, -ENOMEM, -EINVAL. */
int dns_request_encode(ldns_pkt *request, uint16_t id, const TsigKey *key, uint8_t **ret,
                       size_t *ret_size);

/* The id of a message of at least DNS_HEADER_SIZE bytes. */
uint16_t dns_wire_id(const uint8_t *wire);

/**
 * dns_answer_parse() - bytes that are said to answer a request
 * @request: as dns_request_encode() left it
 * @key: that it was signed with; an answer that grants it has to be signed too (RFC 8945 §5.4)
 *
 * 0; -EBADMSG: they are no answer to this request; -EFBIG: they are more than DNS_MESSAGE_SIZE_MAX,
 * and nothing behind their header was looked at; -EKEYREJECTED: its signature is missing or wrong;
 * -ENOMEM.
 */
int dns_answer_parse(const ldns_pkt *request, const TsigKey *key, const uint8_t *wire, size_t size,
                     ldns_pkt **ret);

#define DNS_WORDS_SIZE 48

/* "REFUSED", "NOTAUTH(BADKEY)", "NOERROR". */
const char *dns_answer_words(const ldns_pkt *answer, char buf[DNS_WORDS_SIZE]);

/* A name on the wire; NULL: it is none, or out of memory. ldns_rdf_deep_free(). */
ldns_rdf *dns_name_to_rdf(const char *name);

/* The text of such a name; NULL: out of memory. free(). */
char *dns_name_from_rdf(const ldns_rdf *rdf);

/* Whether @name is @zone or below it. */
bool dns_name_is_within(const char *name, const char *zone);

static inline void dns_packet_free(ldns_pkt *packet)
{
    ldns_pkt_free(packet);
}

DEFINE_CLEANUP_FUNC(ldns_pkt *, dns_packet_free)
