/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One request to one DNS server and its answer: by UDP, then by TCP if the answer is truncated, or
 * by TCP only. Ids and ports are random. A message that does not answer the request is ignored. */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "dns/message.h"

/* Exchanges at the same time. More wait for their turn. */
#define DNS_EXCHANGES_MAX 256U

typedef struct DnsPool DnsPool; /* the shared connections, and all exchanges */
typedef struct DnsExchange DnsExchange;

/* Borrowed, valid while the callback runs. */
typedef struct DnsReply {
    const ldns_pkt *answer; /* NULL: there is none */
    int error; /* then -errno; -ETIMEDOUT; -ETIME: no connection in time; -ENOKEY: no signature;
                  -EKEYREJECTED: a wrong one */
    const char *trouble; /* the error in words: "its TCP port is closed"; or the answer's RCODE:
                            "REFUSED" */
    /* "NOTAUTH(BADKEY)": the answer to the query with the key, which was then repeated without it;
     * "": it was not repeated */
    const char *refused;
} DnsReply;

typedef void (*dns_exchange_cb)(const DnsReply *reply, void *userdata);

typedef struct DnsRequest {
    const DnsServer *server;
    const ldns_pkt *message; /* from dns_query_new() or dns_update_new(); copied */
    /* NULL: not signed; borrowed until the callback. If the server does not have the key of a query
     * (dns_answer_lacks_key()), the query is repeated without signature: some servers have a key
     * for some zones only. */
    const TsigKey *key;
    bool by_tcp;    /* false: by UDP first */
    usec_t timeout; /* from the moment it is sent */
} DnsRequest;

int dns_pool_new(sd_event *event, DnsPool **ret);
sd_event *dns_pool_event(const DnsPool *pool); /* borrowed */
DnsPool *dns_pool_free(DnsPool *pool);         /* cancels all exchanges; always returns NULL */

/* Starts an exchange. The callback comes once, from the event loop, unless cancelled. *ret is
 * borrowed and invalid from then on. 0, or -errno: out of memory. */
int dns_exchange_start(DnsPool *pool, const DnsRequest *request, dns_exchange_cb callback,
                       void *userdata, DnsExchange **ret);
/* NULL is fine; always returns NULL. Its place goes to one that waits, from the event loop: those
 * that are cancelled together do not start each other. */
DnsExchange *dns_exchange_cancel(DnsExchange *exchange);

/* Whether a server may have made an update although this error came instead of an answer. */
bool dns_error_is_uncertain(int error);

DEFINE_CLEANUP_FUNC(DnsPool *, dns_pool_free)
