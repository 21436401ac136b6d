/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/ask.h"

#include <stdarg.h>
#include <stdio.h>

#include "event/timer.h"

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

/* One server that was asked. */
typedef struct Attempt {
    DnsAsk *ask;
    const DnsServer *server;
    DnsExchange *exchange; /* NULL: it has ended */
} Attempt;

struct DnsAsk {
    DnsPool *pool;
    DnsAskRequest request; /* its message is owned */
    Attempt *attempts;
    size_t n_attempts, n_pending;
    sd_event_source *next; /* asks the next server although the last one may still answer */
    DnsTrouble trouble;
    DnsServers uncertain;
    dns_ask_cb callback;
    void *userdata;
};

static void ask_stop(DnsAsk *ask)
{
    for (size_t i = 0; i < ask->n_attempts; i++)
        ask->attempts[i].exchange = dns_exchange_cancel(ask->attempts[i].exchange);
    ask->next = sd_event_source_disable_unref(ask->next);
}

DnsAsk *dns_ask_cancel(DnsAsk *ask)
{
    if (!ask)
        return NULL;
    ask_stop(ask);
    free(ask->attempts);
    ldns_pkt_free(ask->request.message);
    dns_servers_done(&ask->uncertain);
    free(ask);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsAsk *, dns_ask_cancel)

static bool is_update(const DnsAsk *ask)
{
    return ask->request.use == DNS_USE_GRANTED;
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

/* @answer, @server, @refused: of the usable answer; NULL, NULL, "": there is none. The callback may
 * free the pool, and what was borrowed. */
static void ask_end(DnsAsk *ask, const ldns_pkt *answer, const DnsServer *server,
                    const char *refused)
{
    _cleanup_(dns_ask_cancelp) DnsAsk *owned = ask;
    DnsOutcome outcome = { .answer = answer,
                           .server = server,
                           .trouble = answer ? NULL : ask->trouble.text,
                           .refused = refused,
                           .uncertain = &ask->uncertain };

    ask_stop(ask);
    ask->callback(&outcome, ask->userdata);
    (void)owned;
}

static void ask_on_reply(const DnsReply *reply, void *userdata);

static int ask_server(DnsAsk *ask)
{
    Attempt *attempt = &ask->attempts[ask->n_attempts];
    DnsRequest request = {
        .server = &ask->request.servers->list[ask->n_attempts],
        .message = ask->request.message,
        .key = ask->request.key,
        .by_tcp = is_update(ask),
        .timeout = ask->request.timeout,
    };
    int r;

    *attempt = (Attempt){ .ask = ask, .server = request.server };
    ask->n_attempts++;
    r = dns_exchange_start(ask->pool, &request, ask_on_reply, attempt, &attempt->exchange);
    if (r < 0)
        return r;
    ask->n_pending++;
    /* Without the timer, the next server is asked when this one has failed. */
    if (!is_update(ask) && ask->n_attempts < ask->request.servers->n)
        (void)timer_arm(ask->next, DNS_ASK_NEXT);
    return 0;
}

static void ask_next(DnsAsk *ask)
{
    while (ask->n_attempts < ask->request.servers->n) {
        int r = ask_server(ask);

        if (r >= 0)
            return;
        dns_trouble_add(&ask->trouble, "%s: %s", ask->attempts[ask->n_attempts - 1].server->text,
                        strerror(-r));
    }
}

static int ask_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    ask_next(userdata);
    return 0;
}

static void ask_on_reply(const DnsReply *reply, void *userdata)
{
    Attempt *attempt = userdata;
    DnsAsk *ask = attempt->ask;
    const char *wrong = reply->answer ? ask_judge(ask->request.use, reply->answer) : "";
    const char *words = reply->answer ? str_or(ask->request.words, "") : "";
    char refused[DNS_REFUSED_SIZE + DNS_SERVER_TEXT_MAX] = "";

    attempt->exchange = NULL;
    ask->n_pending--;
    if (dns_error_is_uncertain(reply->error))
        (void)dns_servers_add(&ask->uncertain, attempt->server);
    if (!wrong) {
        if (*reply->refused)
            (void)snprintf(refused, sizeof(refused), " (%s: %s to the signed query)",
                           attempt->server->text, reply->refused);
        ask_end(ask, reply->answer, attempt->server, refused);
        return;
    }
    dns_trouble_add(&ask->trouble, "%s: %s%s", attempt->server->text,
                    *wrong ? wrong : reply->trouble,
                    *reply->refused ? dns_refused_words(reply->refused, refused) : words);
    ask_next(ask);
    if (ask->n_pending == 0)
        ask_end(ask, NULL, NULL, "");
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
    ask->attempts = calloc(request->servers->n, sizeof(*ask->attempts));
    if (!ask->attempts)
        return -ENOMEM;
    r = timer_new(dns_pool_event(pool), ask_on_timer, ask, &ask->next);
    if (r >= 0)
        r = ask_server(ask);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(ask);
    return 0;
}
