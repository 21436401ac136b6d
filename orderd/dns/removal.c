/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/removal.h"

#include "dns/ask.h"

/* One server. */
typedef struct Holder {
    DnsRemoval *removal;
    DnsServer server;
    DnsExchange *exchange;
} Holder;

struct DnsRemoval {
    const DnsSettings *settings;
    const DnsText *text;
    Holder holders[DNS_SERVERS_MAX];
    size_t n_holders, n_pending;
    DnsServers granted, refused;
    DnsTrouble trouble;
    dns_removal_cb callback;
    void *userdata;
};

DnsRemoval *dns_removal_cancel(DnsRemoval *removal)
{
    if (!removal)
        return NULL;
    for (size_t i = 0; i < removal->n_holders; i++)
        dns_exchange_cancel(removal->holders[i].exchange);
    dns_servers_done(&removal->granted);
    dns_servers_done(&removal->refused);
    free(removal);
    return NULL;
}

DEFINE_CLEANUP_FUNC(DnsRemoval *, dns_removal_cancel)

static void removal_end(DnsRemoval *removal)
{
    _cleanup_(dns_removal_cancelp) DnsRemoval *owned = removal;
    DnsRemovalOutcome outcome = { .granted = &removal->granted,
                                  .refused = &removal->refused,
                                  .trouble = removal->trouble.text };

    removal->callback(&outcome, removal->userdata);
    (void)owned;
}

/* Out of memory for a list: as if it had not answered. */
static void on_reply(const DnsReply *reply, void *userdata)
{
    Holder *holder = userdata;
    DnsRemoval *removal = holder->removal;
    ldns_pkt_rcode rcode = reply->answer ? ldns_pkt_get_rcode(reply->answer) : LDNS_RCODE_SERVFAIL;

    holder->exchange = NULL;
    if (rcode == LDNS_RCODE_NOERROR)
        (void)dns_servers_add(&removal->granted, &holder->server);
    else if (rcode != LDNS_RCODE_SERVFAIL)
        (void)dns_servers_add(&removal->refused, &holder->server);
    if (rcode != LDNS_RCODE_NOERROR)
        dns_trouble_add(&removal->trouble, "%s: %s", holder->server.text, reply->trouble);
    if (--removal->n_pending == 0)
        removal_end(removal);
}

static int holder_ask(Holder *holder)
{
    const DnsRemoval *removal = holder->removal;
    const DnsSettings *settings = removal->settings;
    _cleanup_(dns_packet_freep) ldns_pkt *update = NULL;
    DnsRequest request = { .server = &holder->server,
                           .key = settings->key,
                           .by_tcp = true,
                           .timeout = settings->timeout };
    int r = dns_update_new(removal->text, false, settings->verification->ttl, &update);

    if (r < 0)
        return r;
    request.message = update;
    return dns_exchange_start(settings->pool, &request, on_reply, holder, &holder->exchange);
}

int dns_removal_start(const DnsSettings *settings, const DnsText *text, const DnsServers *holders,
                      dns_removal_cb callback, void *userdata, DnsRemoval **ret)
{
    _cleanup_(dns_removal_cancelp) DnsRemoval *removal = calloc(1, sizeof(*removal));
    int r = 0;

    if (!removal)
        return -ENOMEM;
    removal->settings = settings;
    removal->text = text;
    removal->callback = callback;
    removal->userdata = userdata;
    for (size_t i = 0; r >= 0 && i < holders->n; i++) {
        Holder *holder = &removal->holders[removal->n_holders++];

        *holder = (Holder){ .removal = removal, .server = holders->list[i] };
        r = holder_ask(holder);
        removal->n_pending += r >= 0;
    }
    if (r < 0)
        return r;
    *ret = TAKE_PTR(removal);
    return 0;
}
