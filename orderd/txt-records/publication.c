/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "txt-records/publication.h"

#include <stdarg.h>
#include <stdio.h>

#include "log/log.h"
#include "txt-records/lookup.h"
#include "txt-records/propagation.h"

struct DnsPublication {
    TxtRecords *records; /* borrowed */
    TxtTarget target;
    DnsLookup *lookup;
    DnsClaim *claim;
    Propagation *propagation;
    dns_publication_cb callback;
    void *userdata;
};

void dns_publication_withdraw(DnsPublication *p)
{
    if (!p)
        return;
    dns_lookup_cancel(p->lookup);
    propagation_cancel(p->propagation);
    dns_claim_release(p->claim);
    dns_settings_unref(p->target.settings);
    dns_text_done(&p->target.text);
    free(p->target.name);
    free(p);
}

static void _printf_(2, 3) publication_fail(DnsPublication *p, const char *format, ...)
{
    _cleanup_free_ char *why = NULL;
    Failure failure = { 0 };
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&why, format, arguments) < 0)
        why = NULL;
    va_end(arguments);
    failure_set(&failure, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 421, 0, "%s: %s", p->target.name,
                str_or(why, "out of memory"));
    p->callback(&failure, p->userdata);
    failure_done(&failure);
}

static void publication_fail_errno(DnsPublication *p, int error)
{
    Failure failure = { 0 };

    log_error_errno(error, "Failed to publish the TXT record for %s: %m", p->target.name);
    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "The server cannot publish its DNS records. The server's journal says why.");
    p->callback(&failure, p->userdata);
    failure_done(&failure);
}

static void on_propagated(const char *trouble, void *userdata)
{
    DnsPublication *p = userdata;

    p->propagation = NULL;
    if (trouble)
        publication_fail(
            p, "its TXT record at %s is not visible on all name servers of the zone %s (%s)",
            p->target.text.owner, p->target.text.zone, trouble);
    else
        p->callback(NULL, p->userdata);
}

static void await_propagation(DnsPublication *p)
{
    int r;

    if (p->target.settings->verification->skip_propagation_check) {
        p->callback(NULL, p->userdata);
        return;
    }
    r = propagation_await(p->target.settings, &p->target.text, on_propagated, p, &p->propagation);
    if (r < 0)
        publication_fail_errno(p, r);
}

static void on_claimed(const char *trouble, int error, void *userdata)
{
    DnsPublication *p = userdata;

    if (error < 0)
        publication_fail_errno(p, error);
    else if (trouble)
        publication_fail(p, "its TXT record at %s cannot be added to the zone %s (%s)",
                         p->target.text.owner, p->target.text.zone, trouble);
    else
        await_propagation(p);
}

static void on_lookup(const char *owner, const char *zone, const char *trouble, void *userdata)
{
    DnsPublication *p = userdata;
    int r = -ENOMEM;

    p->lookup = NULL;
    if (trouble) {
        publication_fail(p, "%s", trouble);
        return;
    }
    p->target.text.owner = strdup(owner);
    p->target.text.zone = strdup(zone);
    if (p->target.text.owner && p->target.text.zone)
        r = dns_claim_new(p->records, &p->target, on_claimed, p, &p->claim);
    if (r < 0)
        publication_fail_errno(p, r);
}

static int start(DnsPublication *p, const DnsPublicationRequest *request, char **ret_why)
{
    int r = dns_settings_new(txt_records_pool(p->records), request->config, request->verification,
                             ret_why, &p->target.settings);

    if (r < 0)
        return r;
    p->target.name = strdup(request->name);
    p->target.text.value = strdup(request->value);
    if (!p->target.name || !p->target.text.value)
        return -ENOMEM;
    return dns_lookup_find(p->target.settings, request->owner, on_lookup, p, &p->lookup);
}

int dns_publication_start(TxtRecords *records, const DnsPublicationRequest *request,
                          dns_publication_cb callback, void *userdata, DnsPublication **ret)
{
    _cleanup_(dns_publication_withdrawp) DnsPublication *p = calloc(1, sizeof(*p));
    _cleanup_free_ char *why = NULL;
    int r = -ENOMEM;

    if (p) {
        p->records = records;
        p->callback = callback;
        p->userdata = userdata;
        r = start(p, request, &why);
    }
    if (r < 0)
        return log_event_errno(
            LOG_EVENT_CHALLENGE_NOT_WRITTEN, r, "Failed to use [verification \"%s\"] for %s: %s",
            request->verification->name, request->name, str_or(why, strerror(-r)));
    *ret = TAKE_PTR(p);
    return 0;
}

const char *dns_publication_owner(const DnsPublication *p)
{
    return p->target.text.owner;
}

const char *dns_publication_lag(const DnsPublication *p)
{
    return p->propagation ? propagation_lag(p->propagation) : NULL;
}
