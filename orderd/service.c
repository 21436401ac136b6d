/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service.h"

#include "encode.h"
#include "log.h"
#include "policy.h"

#define REQUEST_ID_MAX 63U

static const char description[] =
#include "io.acmems.Orders.varlink.inc"
    ;

/* A call that waits for its order. */
typedef struct Pending {
    VarlinkCall *call;
    OrdersWaiter *waiter;
} Pending;

static void fail(VarlinkCall *call, const Failure *failure)
{
    json_t *parameters =
        json_pack("{siss}", "status", failure->status, "reason",
                  str_or(failure->reason, "The server is out of memory: try again later."));

    if (parameters && failure->retry_after)
        (void)json_object_set_new(parameters, "retryAfter", json_integer(failure->retry_after));
    varlink_error(call, "io.acmems.Orders.OrderFailed", parameters);
}

static void fail_plainly(VarlinkCall *call, int status, unsigned retry_after, const char *reason)
{
    Failure failure = { 0 };

    failure_set(&failure, status, retry_after, "%s", reason);
    fail(call, &failure);
    failure_done(&failure);
}

static void reply_chain(VarlinkCall *call, const Chain *chain)
{
    _cleanup_free_ char *text = NULL;
    size_t size;

    varlink_reply(call,
                  chain_format(chain, &text, &size) < 0 ? NULL : json_pack("{ss}", "chain", text));
}

static void on_settled(const Chain *chain, const Failure *failure, void *userdata)
{
    Pending *pending = userdata;

    if (chain)
        reply_chain(pending->call, chain);
    else
        fail(pending->call, failure);
    free(pending);
}

static void on_gone(void *userdata)
{
    Pending *pending = userdata;

    orders_waiter_cancel(pending->waiter);
    free(pending);
}

static void order(VarlinkCall *call, Service *service, const OrderTarget *target, const char *body,
                  size_t size, Csr **csr, const char *request_id)
{
    Pending *pending = calloc(1, sizeof(*pending));
    int r;

    if (!pending) {
        varlink_reply(call, NULL);
        return;
    }
    pending->call = call;
    r = orders_request(service->orders, target, body, size, csr, request_id, on_settled, pending,
                       &pending->waiter);
    if (r < 0) {
        free(pending);
        (void)log_error_errno(r, "Order cannot be taken: %m");
        if (r == -EBUSY)
            fail_plainly(call, 503, 60,
                         "The server has too many orders in flight: try again later.");
        else
            fail_plainly(call, 500, 0, "The server cannot take the order: its journal says why.");
        return;
    }
    varlink_call_set_gone(call, on_gone, pending);
}

/* The handler asked the cache already, but another order may have ended since. */
static bool reply_from_cache(VarlinkCall *call, const OrderTarget *target, const char *body,
                             size_t size, const Csr *csr)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why = NULL;

    if (storage_lookup(target->storage, body, size, csr, &chain, &why) != STORAGE_HIT)
        return false;
    reply_chain(call, chain);
    return true;
}

static void request(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    _cleanup_(csr_freep) Csr *csr = NULL;
    _cleanup_free_ uint8_t *body = NULL;
    Service *service = userdata;
    const char *auth = json_string_value(json_object_get(parameters, "auth"));
    const json_t *encoded = json_object_get(parameters, "csr");
    const char *id = json_string_value(json_object_get(parameters, "requestId"));
    const char *reason = NULL;
    const AuthBlock *block;
    OrderTarget target;
    size_t size;
    int r;

    if (!auth || !json_is_string(encoded) || !id || strlen(id) > REQUEST_ID_MAX) {
        varlink_error(call, "org.varlink.service.InvalidParameter",
                      json_pack("{ss}", "parameter",
                                !auth                     ? "auth"
                                : json_is_string(encoded) ? "requestId"
                                                          : "csr"));
        return;
    }
    if (base64_decode(json_string_value(encoded), json_string_length(encoded), &body, &size) < 0) {
        varlink_error(call, "org.varlink.service.InvalidParameter",
                      json_pack("{ss}", "parameter", "csr"));
        return;
    }
    r = csr_parse((char *)body, size, &csr, &reason);
    if (r == -EBADMSG)
        fail_plainly(call, 415, 0, reason);
    else if (r < 0)
        varlink_reply(call, NULL);
    if (r < 0)
        return;

    target.config = config_file_get(service->config_file);
    (void)inventory_use(service->inventory, target.config);
    /* A handler that was taken over still gets no name that no block allows. */
    block = config_find_auth(target.config, auth);
    if (!block || !policy_covers(block, csr)) {
        log_warning("Request %s refused: auth block \"%s\" does not allow its names", id, auth);
        fail_plainly(call, 403, 0, "The request is not allowed.");
        return;
    }
    target.verification = block->verification;
    target.storage = block->storage;
    if (reply_from_cache(call, &target, (char *)body, size, csr))
        return;
    if (target.verification->type != VERIFICATION_HTTP01) {
        fail_plainly(call, 500, 0,
                     "The server's verification of this request is of a type it does not serve yet "
                     "(dns01-dnsUpdate): its administrator chooses one of type http01.");
        return;
    }
    order(call, service, &target, (char *)body, size, &csr, id);
}

static const VarlinkMethod methods[] = {
    { "io.acmems.Orders.Request", request },
};

const VarlinkInterface orders_interface = {
    .name = "io.acmems.Orders",
    .description = description,
    .methods = methods,
    .n_methods = ELEMENTSOF(methods),
};
