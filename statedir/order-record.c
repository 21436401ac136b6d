/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/order-record.h"

#include "statedir/files/json-strings.h"
#include "statedir/files/json-time.h"
#include "statedir/files/state-json.h"
#include "strings/encode.h"

#define VERSION   1
#define DIRECTORY "orders"
/* Enough for a request of the largest permitted max-size in base64, a chain and the other
 * members. */
#define FILE_SIZE_MAX ((size_t)24 * 1024 * 1024)
/* The longest lifetime of an order, also if the CA gives a later expiry or none, s. */
#define LIFE_MAX (7 * 24 * 3600)

static const char *const stages[] = {
    [ORDER_STAGE_NEW] = "new",
    [ORDER_STAGE_PLACED] = "placed",
    [ORDER_STAGE_FINALIZING] = "finalizing",
    [ORDER_STAGE_ISSUED] = "issued",
};

static const JsonString strings[] = {
    { "account", offsetof(OrderRecord, account), true },
    { "server", offsetof(OrderRecord, server), false },
    { "auth", offsetof(OrderRecord, auth), false },
    { "requestId", offsetof(OrderRecord, request_id), false },
    { "client", offsetof(OrderRecord, client), true },
    { "order", offsetof(OrderRecord, url), true },
    { "finalize", offsetof(OrderRecord, finalize_url), true },
    { "chain", offsetof(OrderRecord, chain), true },
};

void order_record_done(OrderRecord *record)
{
    json_strings_free(strings, ELEMENTSOF(strings), record);
    free(record->body);
    *record = (OrderRecord){ 0 };
}

int order_record_init(OrderRecord *record, const SignRequest *request, const char *request_id,
                      const char *client)
{
    record->created = time(NULL);
    record->auth = strdup(request->auth->name);
    record->request_id = strdup(request_id);
    record->client = client ? strdup(client) : NULL;
    record->body_size = request->size;
    record->body = malloc(request->size + 1);
    if (!record->auth || !record->request_id || !record->body || (client && !record->client))
        return -ENOMEM;
    memcpy(record->body, request->body, request->size);
    record->body[request->size] = '\0';
    return 0;
}

time_t order_record_expires(const OrderRecord *record)
{
    time_t last = record->created + LIFE_MAX;

    return record->expires && record->expires < last ? record->expires : last;
}

int order_record_set_account(OrderRecord *record, const char *name, const char *server)
{
    char *own_name = strdup(name), *own_server = strdup(server);

    if (!own_name || !own_server) {
        free(own_name);
        free(own_server);
        return -ENOMEM;
    }
    free(record->account);
    free(record->server);
    record->account = own_name;
    record->server = own_server;
    return 0;
}

void order_record_forget_url(OrderRecord *record)
{
    free(record->url);
    free(record->finalize_url);
    record->url = record->finalize_url = NULL;
    record->expires = record->waits_since = 0;
    record->is_exempt = false;
    record->stage = ORDER_STAGE_NEW;
}

static json_t *order_record_pack(const OrderRecord *record)
{
    _cleanup_free_ char *csr = base64_encode(record->body, record->body_size);
    json_t *object =
        csr ? json_pack("{si ss sI sI sI sI sI sb ss}", "version", VERSION, "stage",
                        stages[record->stage], "created", (json_int_t)record->created, "issued",
                        (json_int_t)record->issued, "asked", (json_int_t)record->asked, "expires",
                        (json_int_t)record->expires, "waitsSince", (json_int_t)record->waits_since,
                        "exempt", (int)record->is_exempt, "csr", csr)
            : NULL;

    if (object && json_strings_pack(strings, ELEMENTSOF(strings), record, object) < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

int order_record_directory(const char *state, char **ret)
{
    return state_json_directory(state, DIRECTORY, ret);
}

bool order_record_is_named(const char *name, char key[STORAGE_KEY_SIZE])
{
    return state_json_is_named(name, key);
}

bool order_record_exists(const char *state, const char *key)
{
    return state_json_is_old(state, DIRECTORY, key, 0) != -ENOENT;
}

int order_record_save(const char *state, const char *key, const OrderRecord *record)
{
    json_auto_t *object = order_record_pack(record);

    return object ? state_json_save(state, DIRECTORY, key, object) : -ENOMEM;
}

/* Whether the record has the members that its stage requires. */
static bool is_whole(const OrderRecord *record)
{
    switch (record->stage) {
    case ORDER_STAGE_NEW:
        return true;
    case ORDER_STAGE_PLACED:
        return record->url;
    case ORDER_STAGE_FINALIZING:
        return record->url && record->finalize_url;
    case ORDER_STAGE_ISSUED:
        return record->chain;
    }
    return false;
}

static int order_record_unpack(const json_t *object, OrderRecord *record)
{
    const json_t *csr = json_object_get(object, "csr");
    json_int_t version = json_integer_value(json_object_get(object, "version"));
    uint8_t *body;
    int r;

    if (version != VERSION)
        return version > VERSION ? -EPROTONOSUPPORT : -EBADMSG;
    r = json_strings_find(stages, ELEMENTSOF(stages), object, "stage");
    if (r < 0)
        return r;
    record->stage = (OrderStage)r;
    record->created = json_time(json_object_get(object, "created"));
    record->issued = json_time(json_object_get(object, "issued"));
    record->asked = json_time(json_object_get(object, "asked"));
    record->expires = json_time(json_object_get(object, "expires"));
    record->waits_since = json_time(json_object_get(object, "waitsSince"));
    record->is_exempt = json_is_true(json_object_get(object, "exempt"));
    r = json_strings_unpack(strings, ELEMENTSOF(strings), object, record);
    if (r < 0)
        return r;
    r = json_is_string(csr) ? base64_decode(json_string_value(csr), json_string_length(csr), &body,
                                            &record->body_size)
                            : -EINVAL;
    if (r < 0)
        return r == -ENOMEM ? r : -EBADMSG;
    record->body = (char *)body;
    return is_whole(record) ? 0 : -EBADMSG;
}

int order_record_load(const char *state, const char *key, OrderRecord *ret)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    json_auto_t *object = NULL;
    char own_key[STORAGE_KEY_SIZE];
    int r = state_json_load(state, DIRECTORY, key, FILE_SIZE_MAX, &object);

    if (r < 0)
        return r;
    r = order_record_unpack(object, &record);
    if (r >= 0)
        r = storage_key(record.body, record.body_size, own_key);
    if (r < 0)
        return r;
    /* The file has the name of another order. */
    if (!streq(own_key, key))
        return -EBADMSG;
    *ret = record;
    record = (OrderRecord){ 0 };
    return 0;
}

int order_record_remove(const char *state, const char *key)
{
    return state_json_remove(state, DIRECTORY, key);
}

int order_record_list(const char *state, char ***ret)
{
    return state_json_list(state, DIRECTORY, ret);
}

int order_record_clean(const char *state)
{
    return state_json_clean(state, DIRECTORY);
}
