/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chain-search.h"

#include "strv.h"

struct ChainSearch {
    Session *session;
    ChainWish wish;
    Chain *chain; /* the default */
    char **urls;
    size_t next; /* of them */
    SessionCall *call;
    chain_search_cb callback;
    void *userdata;
};

int chain_from_reply(const SessionReply *reply, const Csr *csr, Chain **ret, const char **ret_why)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r;

    if (!strcaseeq(reply->content_type, CHAIN_TYPE)) {
        *ret_why = "it is not a chain of PEM certificates";
        return -EBADMSG;
    }
    r = chain_parse(reply->body, reply->size, &chain, ret_why);
    if (r < 0)
        return r;
    r = chain_check(chain, csr, ret_why);
    if (r < 0)
        return r == -EBADMSG ? -EKEYREJECTED : r;
    *ret = TAKE_PTR(chain);
    return 0;
}

ChainSearch *chain_search_cancel(ChainSearch *search)
{
    if (!search)
        return NULL;
    session_call_cancel(search->call);
    session_unref(search->session);
    chain_free(search->chain);
    strv_free(search->urls);
    free(search);
    return NULL;
}

DEFINE_CLEANUP_FUNC(ChainSearch *, chain_search_cancel)

static void search_end(ChainSearch *search, const Chain *chain, bool is_preferred)
{
    _cleanup_(chain_freep) _unused_ Chain *hold = TAKE_PTR(search->chain);
    chain_search_cb callback = search->callback;
    void *userdata = search->userdata;

    chain_search_cancel(search);
    callback(chain, is_preferred, userdata);
}

static void on_alternate(const SessionReply *reply, void *userdata);

static void search_next(ChainSearch *search)
{
    const char *url = search->urls ? search->urls[search->next] : NULL;

    /* What cannot be asked for is as good as what is not there: the certificate itself is at hand.
     */
    if (!url || session_post(search->session, &(SessionRequest){ .url = url, .accept = CHAIN_TYPE },
                             on_alternate, search, &search->call) < 0)
        search_end(search, search->chain, false);
    else
        search->next++;
}

static void on_alternate(const SessionReply *reply, void *userdata)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    ChainSearch *search = userdata;
    const char *why;

    search->call = NULL;
    if (reply->error == 0 && reply->status == 200 &&
        chain_from_reply(reply, search->wish.csr, &chain, &why) >= 0 &&
        chain_leads_to(chain, search->wish.common_name))
        search_end(search, chain, true);
    else
        search_next(search);
}

int chain_search_start(Session *session, const ChainWish *wish, Chain *chain, char *const *urls,
                       chain_search_cb callback, void *userdata, ChainSearch **ret)
{
    _cleanup_(chain_freep) Chain *taken = chain;
    _cleanup_(chain_search_cancelp) ChainSearch *search = calloc(1, sizeof(*search));

    if (!search)
        return -ENOMEM;
    search->session = session_ref(session);
    search->wish = *wish;
    search->chain = TAKE_PTR(taken);
    search->callback = callback;
    search->userdata = userdata;
    STRV_FOREACH (url, urls)
        if (strv_extend(&search->urls, *url) < 0)
            return -ENOMEM;
    *ret = search;
    search_next(TAKE_PTR(search));
    return 0;
}
