/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns-removal.h"

#include "dns-trouble.h"
#include "log.h"
#include "polling.h"

/* Pauses double from a second to five minutes. */
#define TURNS_MAX 10U

/* One server. */
typedef struct Holder {
    DnsRemoval *removal;
    const DnsServer *server;
    DnsServerSet bit;
    DnsExchange *exchange;
} Holder;

struct DnsRemoval {
    const DnsRealm *realm;
    const DnsText *text;
    DnsServerSet left;
    DnsServerSet refused; /* in this turn */
    bool is_granted;      /* by one of them */
    Holder holders[DNS_SERVERS_MAX];
    size_t n_holders, n_pending;
    unsigned n_turns;
    DnsTrouble trouble;
    sd_event_source *timer;
    Backoff backoff;
    dns_removal_cb callback;
    void *userdata;
};

DnsRemoval *dns_removal_cancel(DnsRemoval *removal)
{
    if (!removal)
        return NULL;
    for (size_t i = 0; i < removal->n_holders; i++)
        dns_exchange_cancel(removal->holders[i].exchange);
    sd_event_source_disable_unref(removal->timer);
    free(removal);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsRemoval *, dns_removal_cancel)

static void removal_end(DnsRemoval *removal)
{
    _cleanup_(dns_removal_cancelp) DnsRemoval *owned = removal;

    removal->callback(removal->left ? removal->trouble.text : NULL, removal->userdata);
    (void)owned;
}

static int pause_before_turn(DnsRemoval *removal)
{
    int r;

    if (removal->n_turns == 1)
        (void)log_full(LOG_WARNING, 0, "The TXT record '%s' at %s is not removed yet: %s",
                       removal->text->value, removal->text->owner, removal->trouble.text);
    if (removal->n_turns == TURNS_MAX)
        return -ETIME;
    r = sd_event_source_set_time_relative(removal->timer, backoff_next(&removal->backoff, 0));
    return r < 0 ? r : sd_event_source_set_enabled(removal->timer, SD_EVENT_ONESHOT);
}

static void turn_end(DnsRemoval *removal)
{
    /* Whoever refuses to remove it has refused to add it, where another one took it. */
    if (removal->is_granted)
        removal->left &= ~removal->refused;
    if (!removal->left || pause_before_turn(removal) < 0)
        removal_end(removal);
}

static void on_reply(const DnsReply *reply, void *userdata)
{
    Holder *holder = userdata;
    DnsRemoval *removal = holder->removal;
    ldns_pkt_rcode rcode = reply->answer ? ldns_pkt_get_rcode(reply->answer) : LDNS_RCODE_SERVFAIL;

    holder->exchange = NULL;
    if (rcode == LDNS_RCODE_NOERROR) {
        removal->left &= ~holder->bit;
        removal->is_granted = true;
    } else {
        dns_trouble_add(&removal->trouble, "%s: %s", holder->server->text, reply->trouble);
    }
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_SERVFAIL)
        removal->refused |= holder->bit;
    if (--removal->n_pending == 0)
        turn_end(removal);
}

static int holder_ask(Holder *holder)
{
    const DnsRemoval *removal = holder->removal;
    const DnsRealm *realm = removal->realm;
    _cleanup_(dns_packet_freep) ldns_pkt *request = NULL;
    DnsQuestion question = {
        .server = holder->server, .key = realm->key, .by_tcp = true, .timeout = realm->timeout
    };
    int r = dns_update_new(removal->text, false, realm->verification->ttl, &request);

    if (r < 0)
        return r;
    question.request = request;
    return dns_exchange_start(realm->pool, &question, on_reply, holder, &holder->exchange);
}

/* All at once: one that is out of order keeps no other waiting. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    DnsRemoval *removal = userdata;

    (void)source;
    (void)usec;
    removal->n_turns++;
    removal->refused = 0;
    dns_trouble_clear(&removal->trouble);
    for (size_t i = 0; i < removal->n_holders; i++) {
        Holder *holder = &removal->holders[i];
        int r = removal->left & holder->bit ? holder_ask(holder) : 0;

        if (r < 0)
            dns_trouble_add(&removal->trouble, "%s: %s", holder->server->text, strerror(-r));
        removal->n_pending += holder->exchange != NULL;
    }
    if (removal->n_pending == 0)
        turn_end(removal);
    return 0;
}

bool dns_removal_is_under_way(const DnsRemoval *removal)
{
    return removal->n_pending > 0;
}

DnsServerSet dns_removal_holders(const DnsRemoval *removal)
{
    return removal->left;
}

void dns_removal_add(DnsRemoval *removal, DnsServerSet holders)
{
    removal->left |= holders & dns_servers_all(&removal->realm->servers);
}

int dns_removal_start(sd_event *event, const DnsRealm *realm, const DnsText *text,
                      DnsServerSet holders, dns_removal_cb callback, void *userdata,
                      DnsRemoval **ret)
{
    _cleanup_(dns_removal_cancelp) DnsRemoval *removal = calloc(1, sizeof(*removal));
    int r;

    if (!removal)
        return -ENOMEM;
    removal->realm = realm;
    removal->text = text;
    removal->callback = callback;
    removal->userdata = userdata;
    for (; removal->n_holders < realm->servers.n; removal->n_holders++)
        removal->holders[removal->n_holders] =
            (Holder){ .removal = removal,
                      .server = &realm->servers.list[removal->n_holders],
                      .bit = DNS_SERVER_BIT(removal->n_holders) };
    dns_removal_add(removal, holders);
    r = sd_event_add_time_relative(event, &removal->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY,
                                   on_timer, removal);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(removal);
    return 0;
}
