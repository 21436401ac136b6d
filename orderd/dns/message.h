/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Make, sign and parse DNS messages (RFC 1035, RFC 2136, RFC 8945); nothing here sends them. Names
 * are text in lower case without the final dot; the root is "". */

/* Before ldns, which otherwise defines a bool of its own that can hold more than true and false. */
#include <stdbool.h>

#include <ldns/ldns.h>

#include "base/macro.h"
#include "config/dns-server.h"
#include "config/tsig-key.h"

/* The protocol permits 65535 bytes (RFC 1035 §4.2.2). ldns follows the compression pointers of each
 * name one by one, and a message can consist of pointers to pointers: the time grows with the
 * square of the size, to 0.5 s at 64 KiB, and blocks the only thread. At 16 KiB it is 0.04 s. We
 * request one set of records at a time: thirteen name servers with their addresses take 1 KiB, 250
 * challenges at one name 14 KiB. */
#define DNS_MESSAGE_SIZE_MAX 16384U
#define DNS_HEADER_SIZE      12U

/* One TXT record. */
typedef struct DnsText {
    char *zone; /* that contains the owner */
    char *owner;
    char *value; /* up to 255 bytes */
} DnsText;

void dns_text_done(DnsText *text);

/* Makes a query. @recursive: for a resolver. 0; -EINVAL: @name is not a valid name; -ENOMEM. */
int dns_query_new(const char *name, ldns_rr_type type, bool recursive, ldns_pkt **ret);

/* Makes an update (RFC 2136) that adds the record beside others, or removes it (§2.5.1, §2.5.4).
 * @ttl: s. 0; -EINVAL: invalid data, or out of memory. */
int dns_update_new(const DnsText *text, bool add, unsigned ttl, ldns_pkt **ret);

/* Encodes a request with this id, signed unless @key is NULL. The signature stays in @request until
 * it is encoded again. The caller releases *ret with free(). 0 or -EINVAL. */
int dns_request_encode(ldns_pkt *request, uint16_t id, const TsigKey *key, uint8_t **ret,
                       size_t *ret_size);

/* Returns the id of a message of at least DNS_HEADER_SIZE bytes. */
uint16_t dns_wire_id(const uint8_t *wire);

/**
 * dns_answer_parse() - parse and verify the answer to a request
 * @request: after dns_request_encode()
 * @key: of the request's signature, or NULL; then a successful answer must be signed too, also one
 * that says that the name does not exist (RFC 8945 §5.4)
 *
 * 0; -EBADMSG: the bytes do not answer this request; -EFBIG: there are more than
 * DNS_MESSAGE_SIZE_MAX, and only the header was read; -ENOKEY: the answer has no signature;
 * -EKEYREJECTED: it has a wrong one; -ENOMEM.
 */
int dns_answer_parse(const ldns_pkt *request, const TsigKey *key, const uint8_t *wire, size_t size,
                     ldns_pkt **ret);

#define DNS_WORDS_SIZE 48

/* Returns the answer's RCODE and TSIG error in words: "REFUSED", "NOTAUTH(BADKEY)", "NOERROR". */
const char *dns_answer_words(const ldns_pkt *answer, char buf[DNS_WORDS_SIZE]);

/* Whether a server does not accept the key of a query, but may answer without it: it does not have
 * the key, or not for this zone. False too if the signature or the time was wrong (RFC 8945
 * §5.2): the server has the key, and the cause must not be hidden. */
bool dns_answer_lacks_key(const ldns_pkt *answer);

#define DNS_REFUSED_SIZE (DNS_WORDS_SIZE + 24U)

/* Returns what to add to the answer to an unsigned query: " (NOTAUTH(BADKEY) to the signed query)".
 * @refused: of the DnsReply; "" results in "". */
const char *dns_refused_words(const char *refused, char buf[DNS_REFUSED_SIZE]);

/* Converts a name to ldns's form. The caller releases it with ldns_rdf_deep_free(). NULL: invalid,
 * or out of memory. */
ldns_rdf *dns_name_to_rdf(const char *name);

/* Converts it back. The caller releases it with free(). NULL: out of memory. */
char *dns_name_from_rdf(const ldns_rdf *rdf);

/* Whether @name is @zone or below it. */
bool dns_name_is_within(const char *name, const char *zone);

static inline void dns_packet_free(ldns_pkt *packet)
{
    ldns_pkt_free(packet);
}

DEFINE_CLEANUP_FUNC(ldns_pkt *, dns_packet_free)
