/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/ask.h"

#include <stdarg.h>
#include <stdio.h>

static void trouble_advance(DnsTrouble *trouble, int n)
{
    size_t left = sizeof(trouble->text) - trouble->n;

    if (n > 0)
        trouble->n += (size_t)n < left ? (size_t)n : left - 1;
}

void dns_trouble_add(DnsTrouble *trouble, const char *format, ...)
{
    va_list arguments;

    if (trouble->n > 0)
        trouble_advance(trouble, snprintf(trouble->text + trouble->n,
                                          sizeof(trouble->text) - trouble->n, "; "));
    va_start(arguments, format);
    trouble_advance(trouble, vsnprintf(trouble->text + trouble->n,
                                       sizeof(trouble->text) - trouble->n, format, arguments));
    va_end(arguments);
}

struct DnsAsk {
    DnsPool *pool;
    DnsAskRequest request; /* its message is owned */
    size_t next;           /* index of the next server */
    DnsExchange *exchange;
    DnsTrouble trouble;
    DnsServers uncertain;
    dns_ask_cb callback;
    void *userdata;
};

DnsAsk *dns_ask_cancel(DnsAsk *ask)
{
    if (!ask)
        return NULL;
    dns_exchange_cancel(ask->exchange);
    ldns_pkt_free(ask->request.message);
    dns_servers_done(&ask->uncertain);
    free(ask);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsAsk *, dns_ask_cancel)

static const DnsServer *current(const DnsAsk *ask)
{
    return &ask->request.servers->list[ask->next - 1];
}

/* Returns what is wrong with an answer, "" if its RCODE says it; NULL: it is usable. */
static const char *ask_judge(DnsUse use, const ldns_pkt *answer)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);

    if (rcode != LDNS_RCODE_NOERROR && (rcode != LDNS_RCODE_NXDOMAIN || use == DNS_USE_GRANTED))
        return "";
    if (use == DNS_USE_AUTHORITATIVE && !ldns_pkt_aa(answer))
        return "it is not authoritative for the name";
    return NULL;
}

static void ask_end(DnsAsk *ask, const ldns_pkt *answer)
{
    _cleanup_(dns_ask_cancelp) DnsAsk *owned = ask;
    DnsOutcome outcome = { .answer = answer,
                           .server = answer ? current(ask) : NULL,
                           .trouble = answer ? NULL : ask->trouble.text,
                           .uncertain = &ask->uncertain };

    ask->callback(&outcome, ask->userdata);
    (void)owned;
}

static int ask_next(DnsAsk *ask);

static void ask_on_reply(const DnsReply *reply, void *userdata)
{
    DnsAsk *ask = userdata;
    const char *wrong = reply->answer ? ask_judge(ask->request.use, reply->answer) : "";

    ask->exchange = NULL;
    if (dns_error_is_uncertain(reply->error))
        (void)dns_servers_add(&ask->uncertain, current(ask));
    if (!wrong) {
        ask_end(ask, reply->answer);
        return;
    }
    dns_trouble_add(&ask->trouble, "%s: %s", current(ask)->text, *wrong ? wrong : reply->trouble);
    while (ask->next < ask->request.servers->n) {
        int r = ask_next(ask);

        if (r >= 0)
            return;
        dns_trouble_add(&ask->trouble, "%s: %s", current(ask)->text, strerror(-r));
    }
    ask_end(ask, NULL);
}

static int ask_next(DnsAsk *ask)
{
    DnsRequest request = {
        .server = &ask->request.servers->list[ask->next++],
        .message = ask->request.message,
        .key = ask->request.key,
        .by_tcp = ask->request.use == DNS_USE_GRANTED,
        .timeout = ask->request.timeout,
    };

    return dns_exchange_start(ask->pool, &request, ask_on_reply, ask, &ask->exchange);
}

int dns_ask_start(DnsPool *pool, const DnsAskRequest *request, dns_ask_cb callback, void *userdata,
                  DnsAsk **ret)
{
    _cleanup_(dns_ask_cancelp) DnsAsk *ask = calloc(1, sizeof(*ask));
    int r;

    if (!ask) {
        ldns_pkt_free(request->message);
        return -ENOMEM;
    }
    ask->pool = pool;
    ask->request = *request;
    ask->callback = callback;
    ask->userdata = userdata;
    if (request->servers->n == 0)
        return -EINVAL;
    r = ask_next(ask);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(ask);
    return 0;
}
