/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service.h"

#include "limits/revoked-keys.h"
#include "log/log.h"
#include "policy/policy.h"
#include "statedir/kept-chain.h"
#include "statedir/storage/cache.h"
#include "strings/encode.h"

/* Of a call, all but its CSR: names, ids, JSON. */
#define ENVELOPE_SIZE_MAX 8192U

#define REQUEST_ID_MAX 63U
#define CLIENT_MAX     63U

/* When a client may ask again that was one too many, s. */
#define WAITERS_RETRY 30

/* A request is not noted again if the last one noted is younger than this, s. */
#define ASKED_ACCURACY 3600

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
                  str_or(failure->reason, "The server is out of memory. Try again later."));

    if (parameters && failure->retry_after)
        (void)json_object_set_new(parameters, "retryAfter", json_integer(failure->retry_after));
    if (parameters && failure->problem)
        (void)json_object_set_new(parameters, "problem", json_string(failure->problem));
    varlink_error(call, "io.acmems.Orders.OrderFailed", parameters);
}

/* For calls without an order. Nothing is logged here: the handler logs its answer. */
static void fail_plainly(VarlinkCall *call, int status, unsigned retry_after, const char *reason)
{
    Failure failure = { 0 };

    failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, status, retry_after, "%s", reason);
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

/* Otherwise each refused client would make an entry; acmems-sign has one of its own for it. */
static void note_full(Service *service, const Failure *failure)
{
    uint64_t held = 0;

    if (failure->event == LOG_EVENT_ORDERS_FULL && log_throttle_pass(&service->full, &held))
        log_event(failure->event, NULL, "Refused an order: %s",
                  str_or(failure->reason, "out of memory"));
}

static void service_order(VarlinkCall *call, Service *service, Config *config, SignRequest *request,
                          const OrderCaller *caller)
{
    OrdersCall orders_call = { .caller = *caller, .callback = on_settled };
    Pending *pending = calloc(1, sizeof(*pending));
    Failure failure = { 0 };
    int r;

    if (!pending) {
        varlink_reply(call, NULL);
        return;
    }
    pending->call = call;
    orders_call.userdata = pending;
    r = orders_request(service->orders, config, request, &orders_call, &pending->waiter, &failure);
    if (r >= 0) {
        varlink_call_set_gone(call, on_gone, pending);
        return;
    }
    free(pending);
    if (r == -EBUSY) {
        note_full(service, &failure);
        fail(call, &failure);
        failure_done(&failure);
    } else if (r == -EUSERS)
        fail_plainly(call, 503, WAITERS_RETRY,
                     "Too many clients are waiting for this certificate already. Post the same "
                     "CSR again later.");
    else {
        (void)log_event_errno(LOG_EVENT_ORDER_FAILED_HERE, r, "Failed to accept an order: %m");
        fail_plainly(call, 500, 0,
                     "The server failed to accept the order. The server's journal says why.");
    }
}

/* The handler has looked into the cache, but another order may have ended since. */
static bool reply_from_cache(VarlinkCall *call, const SignRequest *request)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why = NULL;

    if (storage_lookup(request->auth->storage, request, &chain, &why) != STORAGE_HIT)
        return false;
    reply_chain(call, chain);
    return true;
}

/* Looks for the chain of an order that ended without waiters and could not be stored. */
static bool reply_from_order(VarlinkCall *call, const Service *service, const Config *config,
                             const SignRequest *request)
{
    const char *state = config->state_directory, *key = request->key;
    const Storage *storage = request->auth->storage;
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    CachedFrom from = { .auth = request->auth->name, .asked = time(NULL) };
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why;
    Renewal renewal;
    int r;

    if (kept_chain_load(state, key, &chain, &record) < 0 || !kept_chain_is_current(&record) ||
        chain_check(chain, request->csr, &why) < 0)
        return false;
    if (!auth_block_uses_ca(request->auth, record.server)) {
        order_forget(state, key);
        return false;
    }
    reply_chain(call, chain);
    from.server = record.server;
    from.account = record.account;
    /* Without a storage the chain is handed out once. */
    if (storage->type == STORAGE_NONE) {
        order_forget(state, key);
        return true;
    }
    /* The storage could not be written at the time. If it still cannot, the order's file stays. */
    r = cached_store(storage, request, chain, &from, &renewal);
    if (r > 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to write the metadata of entry %s in storage \"%s\": %m", key,
                        storage->name);
    if (r >= 0) {
        inventory_note(service->inventory, storage, key, &renewal);
        order_forget(state, key);
    }
    return true;
}

typedef struct Parameters {
    const char *auth;
    const json_t *csr;
    OrderCaller caller;
} Parameters;

/* Returns the name of the first parameter that is missing or invalid; NULL: all are valid. */
static const char *read_parameters(const json_t *parameters, Parameters *ret)
{
    const json_t *client = json_object_get(parameters, "client");

    *ret = (Parameters){
        .auth = json_string_value(json_object_get(parameters, "auth")),
        .csr = json_object_get(parameters, "csr"),
        .caller.request_id = json_string_value(json_object_get(parameters, "requestId")),
        .caller.client = json_string_value(client),
    };
    if (!ret->auth)
        return "auth";
    if (!json_is_string(ret->csr))
        return "csr";
    if (!ret->caller.request_id || strlen(ret->caller.request_id) > REQUEST_ID_MAX)
        return "requestId";
    if (client && (!ret->caller.client || strlen(ret->caller.client) > CLIENT_MAX))
        return "client";
    return NULL;
}

static void fail_parameter(VarlinkCall *call, const char *name)
{
    varlink_error(call, "org.varlink.service.InvalidParameter",
                  json_pack("{ss}", "parameter", name));
}

static void service_request_parsed(VarlinkCall *call, Service *service,
                                   const Parameters *parameters, SignRequest *request)
{
    Config *config = config_file_get(service->config_file);
    Failure failure = { 0 };

    (void)inventory_use(service->inventory, config);
    /* Checked again, in case an attacker controls the handler. */
    request->auth = config_find_auth(config, parameters->auth);
    if (!request->auth || !policy_covers(request->auth, request->csr)) {
        log_event(LOG_EVENT_CALL_DENIED, NULL,
                  "Call refused: auth block \"%s\" does not permit these names", parameters->auth);
        fail_plainly(call, 403, 0, "This request is not permitted.");
        return;
    }
    if (!revoked_keys_allow(config->state_directory, request->csr, &failure)) {
        fail(call, &failure);
        failure_done(&failure);
        return;
    }
    if (!reply_from_cache(call, request) && !reply_from_order(call, service, config, request))
        service_order(call, service, config, request, &parameters->caller);
}

/* 0; -EBADMSG: it is not base64; other -errno. */
static int decode_request(const json_t *csr, SignRequest *ret)
{
    _cleanup_free_ uint8_t *bytes = NULL;
    char *body;
    size_t size;
    int r;

    if (base64_decode(json_string_value(csr), json_string_length(csr), &bytes, &size) < 0)
        return -EBADMSG;
    body = (char *)bytes;
    r = sign_request_take(ret, &body, size);
    if (r >= 0)
        bytes = NULL;
    return r;
}

static void service_request(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    _cleanup_log_fields_ LogFields fields = { 0 };
    const char *reason = NULL;
    Parameters p;
    const char *wrong = read_parameters(parameters, &p);
    int r = wrong ? 0 : decode_request(p.csr, &request);

    if (wrong || r == -EBADMSG) {
        fail_parameter(call, str_or(wrong, "csr"));
        return;
    }
    varlink_peer_log(varlink_call_peer(call), &fields);
    if (r < 0) {
        varlink_reply(call, NULL);
        return;
    }
    log_fields_add(&fields, LOG_FIELD_REQUEST_ID, p.caller.request_id);
    log_fields_add(&fields, LOG_FIELD_CLIENT, p.caller.client);
    log_fields_add(&fields, LOG_FIELD_AUTH, p.auth);
    log_fields_add(&fields, LOG_FIELD_CSR, request.key);
    LOG_CONTEXT(&fields);

    r = sign_request_parse(&request, &reason);
    if (r == -EBADMSG)
        fail_plainly(call, 415, 0, reason);
    else if (r < 0)
        varlink_reply(call, NULL);
    if (r < 0)
        return;
    log_fields_add_all(&fields, LOG_FIELD_NAME, request.csr->names);
    log_fields_add_all(&fields, LOG_FIELD_NAME, request.csr->addresses);
    service_request_parsed(call, userdata, &p, &request);
}

/* Many clients may request a certificate at once, and each request is reported. */
static bool is_noted(const StorageMeta *meta, const AuthBlock *auth)
{
    return meta->auth && streq(meta->auth, auth->name) && time(NULL) < meta->asked + ASKED_ACCURACY;
}

/* An attacker who controls the handler can only keep certificates in renewal that the auth block
 * permits. */
static bool is_covered(const AuthBlock *auth, const char *key)
{
    _cleanup_(sign_request_done) SignRequest request = { 0 };
    const char *why;

    return storage_request(auth->storage, key, &request) >= 0 &&
           sign_request_parse(&request, &why) >= 0 && policy_covers(auth, request.csr);
}

static int save_asked(Service *service, const AuthBlock *auth, const char *key, const Chain *chain,
                      StorageMeta *meta)
{
    Renewal renewal;
    int r;

    meta->asked = time(NULL);
    free(meta->auth);
    meta->auth = strdup(auth->name);
    r = meta->auth ? storage_meta_save(auth->storage, key, chain, meta) : -ENOMEM;
    renewal = renewal_of(auth->storage, key, chain, meta);
    inventory_note(service->inventory, auth->storage, key, &renewal);
    return r;
}

static int note_asked(Service *service, const AuthBlock *auth, const char *key)
{
    _cleanup_(storage_meta_done) StorageMeta meta = { 0 };
    _cleanup_(chain_freep) Chain *chain = NULL;
    int r = storage_load_known(auth->storage, key, &chain, &meta);

    if (r != STORAGE_HIT)
        return r < 0 ? r : 0;
    if (is_noted(&meta, auth))
        return 0;
    if (is_covered(auth, key))
        return save_asked(service, auth, key, chain, &meta);
    log_event(LOG_EVENT_CALL_DENIED, NULL,
              "Call refused: auth block \"%s\" does not permit the names of entry %s", auth->name,
              key);
    return 0;
}

static void service_asked(VarlinkCall *call, const json_t *parameters, void *userdata)
{
    Service *service = userdata;
    Config *config = config_file_get(service->config_file);
    const char *name = json_string_value(json_object_get(parameters, "auth"));
    const char *key = json_string_value(json_object_get(parameters, "key"));
    const AuthBlock *auth = name ? config_find_auth(config, name) : NULL;
    _cleanup_log_fields_ LogFields fields = { 0 };
    int r;

    varlink_peer_log(varlink_call_peer(call), &fields);
    LOG_CONTEXT(&fields);
    (void)inventory_use(service->inventory, config);
    if (!name || !key || !storage_is_key(key)) {
        fail_parameter(call, name ? "key" : "auth");
        return;
    }
    r = auth ? note_asked(service, auth, key) : 0;
    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to note the request for entry %s in storage \"%s\": %m", key,
                        auth->storage->name);
    varlink_reply(call, json_object());
}

static const VarlinkMethod methods[] = {
    { "io.acmems.Orders.Request", service_request },
    { "io.acmems.Orders.Asked", service_asked },
};

/* A call has a body of max-size at most, for which base64 needs four bytes for three. */
static size_t get_frame_max(void *userdata)
{
    const Service *service = userdata;
    size_t max_size = config_file_get(service->config_file)->max_size;

    return (max_size + 2) / 3 * 4 + ENVELOPE_SIZE_MAX;
}

const VarlinkInterface orders_interface = {
    .name = "io.acmems.Orders",
    .description = description,
    .methods = methods,
    .n_methods = ELEMENTSOF(methods),
    .busy = "{\"error\":\"io.acmems.Orders.OrderFailed\",\"parameters\":{\"status\":503,"
            "\"reason\":\"Too many requests are in progress on the server. Try again later.\","
            "\"retryAfter\":60}}",
    .get_frame_max = get_frame_max,
};
