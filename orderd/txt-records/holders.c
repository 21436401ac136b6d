/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/holders.h"

#include "dns/ask.h"
#include "log/log.h"

void dns_holders_done(DnsHolders *holders)
{
    dns_servers_done(&holders->sure);
    dns_servers_done(&holders->unsure);
}

bool dns_holders_is_empty(const DnsHolders *holders)
{
    return holders->sure.n == 0 && holders->unsure.n == 0;
}

int dns_holders_list(const DnsHolders *holders, DnsServers *servers)
{
    int r = dns_servers_add_list(servers, &holders->sure);

    return r < 0 ? r : dns_servers_add_list(servers, &holders->unsure);
}

int dns_holders_note_added(DnsHolders *holders, const DnsServer *server)
{
    dns_servers_remove(&holders->unsure, server);
    return dns_servers_add(&holders->sure, server);
}

/* ---- on disk ----------------------------------------------------------------------------- */

DnsRecord txt_target_record(const TxtTarget *target)
{
    return (DnsRecord){
        .verification = target->settings->verification->name,
        .name = target->name,
        .zone = target->text.zone,
        .owner = target->text.owner,
        .value = target->text.value,
        .created = time(NULL),
    };
}

static int save(const DnsHolders *holders, const TxtTarget *target, const DnsServers *others)
{
    _cleanup_(dns_servers_done) DnsServers all = { 0 };
    _cleanup_free_ char *sure = NULL, *unsure = NULL;
    DnsRecord record = txt_target_record(target);
    int r = dns_servers_add_list(&all, &holders->unsure);

    if (r >= 0 && others)
        r = dns_servers_add_list(&all, others);
    if (r < 0)
        return r;
    record.servers = sure = dns_servers_format(&holders->sure);
    record.unsure = unsure = dns_servers_format(&all);
    if (!sure || !unsure)
        return -ENOMEM;
    return dns_record_save(target->settings->config->state_directory, &record);
}

int dns_holders_save(const DnsHolders *holders, const TxtTarget *target, const DnsServers *others)
{
    int r = save(holders, target, others);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to save the state of the TXT record for %s in '%s': %m",
                        target->name, target->settings->config->state_directory);
    return r;
}

/* If the record names no server, any server of the block may have it. */
int dns_holders_load(DnsHolders *holders, const DnsRecord *record, const DnsServers *servers)
{
    int r = dns_servers_add_names(&holders->sure, str_or(record->servers, ""));

    if (r >= 0)
        r = dns_servers_add_names(&holders->unsure, str_or(record->unsure, ""));
    if (r >= 0 && dns_holders_is_empty(holders))
        r = dns_servers_add_list(&holders->unsure, servers);
    return r;
}

/* ---- the removal ------------------------------------------------------------------------- */

/* One server that may have the record. */
typedef struct Holder {
    DnsRemoval *removal;
    DnsServer server;
    DnsExchange *exchange;
} Holder;

struct DnsRemoval {
    const TxtTarget *target;
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

/* If out of memory for a list: as if the server had not answered. */
static void holder_on_reply(const DnsReply *reply, void *userdata)
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
    const TxtTarget *target = removal->target;
    const DnsSettings *settings = target->settings;
    _cleanup_(dns_packet_freep) ldns_pkt *update = NULL;
    DnsRequest request = { .server = &holder->server,
                           .key = settings->key,
                           .by_tcp = true,
                           .timeout = settings->timeout };
    int r = dns_update_new(&target->text, false, settings->verification->ttl, &update);

    if (r < 0)
        return r;
    request.message = update;
    return dns_exchange_start(settings->pool, &request, holder_on_reply, holder, &holder->exchange);
}

int dns_removal_start(const TxtTarget *target, const DnsServers *servers, dns_removal_cb callback,
                      void *userdata, DnsRemoval **ret)
{
    _cleanup_(dns_removal_cancelp) DnsRemoval *removal = calloc(1, sizeof(*removal));
    int r = 0;

    if (!removal)
        return -ENOMEM;
    removal->target = target;
    removal->callback = callback;
    removal->userdata = userdata;
    for (size_t i = 0; r >= 0 && i < servers->n; i++) {
        Holder *holder = &removal->holders[removal->n_holders++];

        *holder = (Holder){ .removal = removal, .server = servers->list[i] };
        r = holder_ask(holder);
        removal->n_pending += r >= 0;
    }
    if (r < 0)
        return r;
    *ret = TAKE_PTR(removal);
    return 0;
}

void dns_holders_note_removed(DnsHolders *holders, const DnsRemovalOutcome *outcome)
{
    for (size_t i = 0; i < outcome->granted->n; i++) {
        dns_servers_remove(&holders->sure, &outcome->granted->list[i]);
        dns_servers_remove(&holders->unsure, &outcome->granted->list[i]);
    }
    holders->has_removed |= outcome->granted->n > 0;
    for (size_t i = 0; holders->has_removed && i < outcome->refused->n; i++)
        dns_servers_remove(&holders->unsure, &outcome->refused->list[i]);
}
