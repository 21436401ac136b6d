/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One question to one DNS server, and its answer: by UDP, and TCP when it is truncated, or by TCP
 * alone. Ids and ports are random; what is no answer to the question is passed over. */

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "dns/message.h"

/* On the wire at the same time; what comes then waits for its turn. */
#define DNS_EXCHANGES_MAX 256U

typedef struct DnsPool DnsPool; /* connections to servers, shared by all */
typedef struct DnsExchange DnsExchange;

/* How it went; borrowed, valid while the callback runs. */
typedef struct DnsReply {
    const ldns_pkt *answer; /* NULL: there is none, because of … */
    int error;              /* … -errno; -ETIMEDOUT; -ETIME: no connection in time; -EKEYREJECTED:
                             * its signature is wrong */
    const char *trouble;    /* the same in words, or the answer's RCODE: "timeout" */
} DnsReply;

typedef void (*dns_exchange_cb)(const DnsReply *reply, void *userdata);

typedef struct DnsRequest {
    const DnsServer *server;
    const ldns_pkt *message; /* by dns_query_new() or dns_update_new(); is copied */
    const TsigKey *key;      /* NULL: not signed; borrowed until the callback */
    bool by_tcp;             /* and not by UDP first */
    usec_t timeout;          /* from its first byte on */
} DnsRequest;

int dns_pool_new(sd_event *event, DnsPool **ret);
sd_event *dns_pool_event(const DnsPool *pool); /* borrowed */
DnsPool *dns_pool_free(DnsPool *pool); /* with all exchanges, without a word; always returns NULL */

/* The callback comes once, from the event loop, unless cancelled. *ret is borrowed and invalid from
 * then on. 0, or -errno: no memory. */
int dns_exchange_start(DnsPool *pool, const DnsRequest *request, dns_exchange_cb callback,
                       void *userdata, DnsExchange **ret);
DnsExchange *dns_exchange_cancel(DnsExchange *exchange); /* NULL is fine; always returns NULL */

/* Whether a server may have acted on what it was asked, though it gave no answer. */
bool dns_error_is_uncertain(int error);

DEFINE_CLEANUP_FUNC(DnsPool *, dns_pool_free)
