/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/cached.h"

#include <stdio.h>

#include "log/log.h"
#include "sign/order-client.h"
#include "statedir/files/runtime-path.h"
#include "strings/strv.h"
#include "x509/chain-fields.h"

/* A request from the cache is reported to orderd if the last report is older than this, s. */
#define ASKED_ACCURACY (24 * 3600)
#define ASKED_DEADLINE (2 * USEC_PER_SEC)

static void reply_cached(Sign *sign, const Outcome *outcome)
{
    _cleanup_free_ char *text = NULL;
    size_t size;

    if (chain_format(outcome->chain, &text, &size) < 0)
        sign_refuse_without_memory(sign);
    else
        sign_reply_chain(sign, text, outcome);
}

static void reply_current(Sign *sign, const Chain *chain)
{
    reply_cached(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_CACHED,
                                   .status = 200,
                                   .why = "from the cache",
                                   .chain = chain });
}

/* Tells orderd once a day that clients still request the certificate, if its storage needs that.
 * Errors do not matter: the client has its answer, and the next request reports again. */
static void tell_asked(const Sign *sign, const Chain *chain)
{
    const Storage *storage = sign->request.auth->storage;
    _cleanup_free_ char *socket = NULL;
    StorageMeta meta;
    time_t asked;

    if (!storage->prefetch)
        return;
    if (storage_meta_load(storage, sign->request.key, chain, &meta) < 0)
        return;
    asked = meta.asked;
    storage_meta_done(&meta);
    socket = runtime_socket_path(sign->config->runtime_directory);
    if (socket && asked + ASKED_ACCURACY < time(NULL))
        (void)order_tell_asked(socket, &sign->request, now_monotonic() + ASKED_DEADLINE);
}

/* As storage_lookup(). Entries that cannot be read or used are logged. */
static int look_up(const Sign *sign, Chain **ret)
{
    const Storage *storage = sign->request.auth->storage;
    const char *why = NULL;
    int r = storage_lookup(storage, &sign->request, ret, &why);

    if (r < 0)
        (void)log_event_errno(LOG_EVENT_CACHE_UNREADABLE, r, "Failed to read storage \"%s\": %m",
                              storage->name);
    else if (r == STORAGE_DAMAGED)
        log_event(LOG_EVENT_CACHE_DAMAGED, NULL,
                  "An entry in storage \"%s\" is damaged and is not used: %s", storage->name,
                  str_or(why, "?"));
    return r;
}

bool sign_try_cache(Sign *sign)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r = sign->is_unsure ? STORAGE_MISS : look_up(sign, &chain);

    sign->has_outdated = r == STORAGE_OUTDATED;
    if (r != STORAGE_HIT)
        return true;
    reply_current(sign, chain);
    tell_asked(sign, chain);
    return false;
}

static void reply_outdated(Sign *sign, const Chain *chain, const char *why, const char *problem)
{
    _cleanup_log_fields_ LogFields fields = { 0 };
    _cleanup_free_ char *text = NULL;
    int length = (int)strlen(why);

    if (length > 0 && why[length - 1] == '.')
        length--;
    chain_add_fields(chain, &fields);
    if (asprintf(&text, "%.*s; the previous certificate is valid until %s", length, why,
                 str_or(log_fields_get(&fields, LOG_FIELD_NOT_AFTER), "?")) < 0)
        text = NULL;
    reply_cached(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_OUTDATED,
                                   .status = 200,
                                   .why = str_or(text, why),
                                   .chain = chain,
                                   .problem = problem });
}

static bool is_undelivered(int status)
{
    static const int statuses[] = { 421, 429, 500, 503 };

    for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
        if (statuses[i] == status)
            return true;
    return false;
}

/* When the CA delivers no new certificate, the client gets the previous one while that is valid.
 * The cache is read again: the certificate may have been revoked while the order ran. False: there
 * is no valid one. */
bool sign_try_outdated(Sign *sign, int status, const char *why, const char *problem)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r;

    if (!sign->has_outdated || !is_undelivered(status))
        return false;
    r = look_up(sign, &chain);
    if (r == STORAGE_HIT)
        reply_current(sign, chain);
    else if (r == STORAGE_OUTDATED && chain_is_alive(chain, time(NULL)))
        reply_outdated(sign, chain, why, problem);
    else
        return false;
    return true;
}
