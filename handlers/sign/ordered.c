/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/ordered.h"

#include "log/log.h"
#include "sign/cached.h"
#include "sign/order-client.h"
#include "statedir/files/runtime-path.h"

/* Longer than orderd lets a caller wait, so that its reason arrives. */
#define ORDER_DEADLINE (100 * USEC_PER_SEC)

static void reply_ordered(Sign *sign, const char *text)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why;

    /* Only for the journal: orderd has checked the chain. */
    (void)chain_parse(text, strlen(text), &chain, &why);
    sign_reply_chain(
        sign, text,
        &(Outcome){
            .event = LOG_EVENT_REQUEST_ISSUED, .status = 200, .why = "ordered", .chain = chain });
}

static void refuse_by_order(Sign *sign, const OrderAnswer *answer)
{
    if (sign_try_outdated(sign, answer->status, answer->reason, answer->problem))
        return;
    sign_refuse(sign,
                &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED,
                            .status = answer->status,
                            .why = answer->reason,
                            .problem = answer->problem },
                answer->retry_after, answer->reason);
}

static void refuse_without_answer(Sign *sign, const char *why, const char *sentence)
{
    if (sign_try_outdated(sign, 503, why, NULL))
        return;
    sign_refuse(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_FAILED, .status = 503, .why = why },
                RETRY_SOON, sentence);
}

static void refuse_without_orderd(Sign *sign, const char *socket, int r)
{
    if (r == -EACCES) {
        (void)log_event_errno(LOG_EVENT_ORDERD_UNREACHABLE, r,
                              "This process may not use acmems-orderd at '%s': %m", socket);
        refuse_without_answer(
            sign, "acmems-orderd denies permission",
            "The server cannot use its order service: permission denied. The server's "
            "journal says why.");
        return;
    }
    (void)log_event_errno(LOG_EVENT_ORDERD_UNREACHABLE, r,
                          "acmems-orderd at '%s' does not answer: %m", socket);
    refuse_without_answer(sign, "acmems-orderd does not answer",
                          "The server cannot reach its order service. Try again later.");
}

/* The order continues. */
static void abandon(Sign *sign)
{
    sign_log(sign, &(Outcome){ .event = LOG_EVENT_REQUEST_GONE,
                               .why = "the client disconnected while it waited for the order" });
    http_abandon(sign->exchange);
}

bool sign_order(Sign *sign)
{
    _cleanup_(order_answer_done) OrderAnswer answer = { 0 };
    _cleanup_free_ char *socket = runtime_socket_path(sign->config->runtime_directory);
    char client[INET6_ADDRSTRLEN];
    const OrderRequest request = {
        .request = &sign->request,
        .request_id = http_request_id(sign->exchange),
        .client = socket_address_format(http_peer(sign->exchange), client),
        .client_fd = http_client_fd(sign->exchange),
    };
    int r;

    if (!socket) {
        sign_refuse_without_memory(sign);
        return false;
    }
    r = order_request(socket, &request, now_monotonic() + ORDER_DEADLINE, &answer);
    if (r >= 0 && answer.status == 200)
        reply_ordered(sign, answer.chain);
    else if (r >= 0)
        refuse_by_order(sign, &answer);
    else if (r == -ECANCELED)
        abandon(sign);
    else if (r == -ETIMEDOUT)
        refuse_without_answer(
            sign, "the order is still in progress",
            "The certificate has not been issued yet. Post the same CSR again later.");
    else
        refuse_without_orderd(sign, socket, r);
    return false;
}
