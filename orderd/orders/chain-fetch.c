/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/chain-fetch.h"

#include "log/log.h"
#include "strings/strv.h"

#define CHAIN_TYPE "application/pem-certificate-chain"

struct ChainFetch {
    Session *session;
    ChainWish wish;
    Chain *chain; /* the CA's default */
    char **alternates;
    size_t next; /* index of the alternate to try next */
    SessionCall *call;
    chain_fetch_cb callback;
    void *userdata;
};

/* Reads a chain from the CA's answer and checks it against the wish. Returns 0; -EBADMSG: it is no
 * chain; -EKEYREJECTED: it is not what was ordered; -EPERM: it has names that are refused; -ENOMEM.
 * @ret_why: with the first three a clause for the journal, static. */
static int read_chain(const SessionReply *reply, const ChainWish *wish, Chain **ret,
                      const char **ret_why)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_strv_ char **extra = NULL;
    int r;

    r = chain_parse(reply->body, reply->size, &chain, ret_why);
    if (r == -EBADMSG && !strcaseeq(reply->content_type, CHAIN_TYPE))
        *ret_why = "the answer is not a chain of PEM certificates";
    if (r < 0)
        return r;
    r = chain_check(chain, wish->csr, ret_why);
    if (r < 0)
        return r == -EBADMSG ? -EKEYREJECTED : r;
    if (wish->refuses_extra_names)
        extra = chain_extra_names(chain, wish->csr);
    if (extra) {
        *ret_why = "it has names that were not ordered (extra-names = refuse)";
        return -EPERM;
    }
    *ret = TAKE_PTR(chain);
    return 0;
}

ChainFetch *chain_fetch_cancel(ChainFetch *fetch)
{
    if (!fetch)
        return NULL;
    session_call_cancel(fetch->call);
    session_unref(fetch->session);
    chain_free(fetch->chain);
    strv_free(fetch->alternates);
    free(fetch);
    return NULL;
}

DEFINE_CLEANUP_FUNC(ChainFetch *, chain_fetch_cancel)

static void fetch_end(ChainFetch *fetch, const Chain *chain, Failure *failure)
{
    _cleanup_(chain_freep) _unused_ Chain *hold = TAKE_PTR(fetch->chain);
    chain_fetch_cb callback = fetch->callback;
    void *userdata = fetch->userdata;

    chain_fetch_cancel(fetch);
    callback(chain, failure, userdata);
}

static int chain_fetch_request(ChainFetch *fetch, const char *url, session_cb callback)
{
    return session_post(fetch->session, &(SessionRequest){ .url = url, .accept = CHAIN_TYPE },
                        callback, fetch, &fetch->call);
}

static void on_alternate(const SessionReply *reply, void *userdata);

static void try_next(ChainFetch *fetch)
{
    const char *url = fetch->alternates ? fetch->alternates[fetch->next] : NULL;

    /* An alternate that cannot be requested is skipped: the default chain is already here. */
    if (url && chain_fetch_request(fetch, url, on_alternate) >= 0) {
        fetch->next++;
        return;
    }
    log_event(
        LOG_EVENT_CHAIN_NOT_OFFERED, NULL,
        "The CA offers no chain for %s whose topmost issuer is '%s'. Its default chain is used.",
        fetch->wish.names, fetch->wish.common_name);
    fetch_end(fetch, fetch->chain, NULL);
}

static void on_alternate(const SessionReply *reply, void *userdata)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    ChainFetch *fetch = userdata;
    const char *why;

    LOG_CONTEXT(fetch->wish.log);
    fetch->call = NULL;
    if (session_reply_is_good(reply) && read_chain(reply, &fetch->wish, &chain, &why) >= 0 &&
        chain_leads_to(chain, fetch->wish.common_name))
        fetch_end(fetch, chain, NULL);
    else
        try_next(fetch);
}

/* Something else than a chain came, such as the page of a proxy. */
static bool is_of_another_type(const SessionReply *reply, int error)
{
    return error == -EBADMSG && reply->size > 0 && *reply->content_type &&
           !strcaseeq(reply->content_type, CHAIN_TYPE);
}

static void set_unusable(Failure *failure, const ChainFetch *fetch, const SessionReply *reply,
                         int error, const char *why)
{
    const char *type = is_of_another_type(reply, error) ? reply->content_type : "";

    if (!*fetch->wish.told || !streq(*fetch->wish.told, why))
        log_event(LOG_EVENT_CERTIFICATE_UNUSABLE, NULL,
                  "The certificate for %s cannot be used: %s%s%s", fetch->wish.names, why,
                  *type ? ", but " : "", type);
    *fetch->wish.told = why;
    if (*type)
        failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 3600,
                    "The CA sent %s in place of the certificate chain. Try again later.", type);
    else if (error == -EPERM)
        failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 3600,
                    "The CA added names to the certificate, and the server uses no such "
                    "certificate (extra-names = refuse).");
    else
        failure_set(failure, LOG_EVENT_ORDER_FAILED_AT_CA, 503, 3600,
                    "The CA did not send the certificate that was ordered: %s. Try again later.",
                    why);
    /* A garbled answer may be intact the next time. A wrong certificate stays wrong. */
    failure->passing = error != -EKEYREJECTED && error != -EPERM;
}

static void on_default(const SessionReply *reply, void *userdata)
{
    ChainFetch *fetch = userdata;
    const char *wished = fetch->wish.common_name, *why = "out of memory";
    Failure failure = { 0 };
    int r;

    LOG_CONTEXT(fetch->wish.log);
    fetch->call = NULL;
    if (!session_reply_is_good(reply)) {
        failure_set_reply(&failure, reply, "for the certificate");
        fetch_end(fetch, NULL, &failure);
        return;
    }
    r = read_chain(reply, &fetch->wish, &fetch->chain, &why);
    if (r < 0) {
        set_unusable(&failure, fetch, reply, r, why);
        fetch_end(fetch, NULL, &failure);
        return;
    }
    if (!wished || chain_leads_to(fetch->chain, wished)) {
        fetch_end(fetch, fetch->chain, NULL);
        return;
    }
    /* Out of memory: there are fewer alternates. */
    STRV_FOREACH (url, reply->alternates)
        (void)strv_extend(&fetch->alternates, *url);
    try_next(fetch);
}

int chain_fetch_start(Session *session, const ChainWish *wish, const char *url,
                      const ChainFetchCall *call, ChainFetch **ret)
{
    _cleanup_(chain_fetch_cancelp) ChainFetch *fetch = calloc(1, sizeof(*fetch));
    int r;

    if (!fetch)
        return -ENOMEM;
    fetch->session = session_ref(session);
    fetch->wish = *wish;
    fetch->callback = call->callback;
    fetch->userdata = call->userdata;
    r = chain_fetch_request(fetch, url, on_default);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(fetch);
    return 0;
}
