/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The file of an order in progress: <state directory>/orders/<key>.json. It is written before the
 * step that its stage names. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/macro.h"
#include "statedir/storage/request.h"

typedef enum OrderStage {
    ORDER_STAGE_NEW,        /* the order is being placed; the CA may have created it or not */
    ORDER_STAGE_PLACED,     /* the CA has created the order at .url */
    ORDER_STAGE_FINALIZING, /* the CSR is being sent; the CA may have accepted it or not */
    ORDER_STAGE_ISSUED,     /* .chain waits for its request: no storage keeps it */
} OrderStage;

typedef struct OrderRecord {
    OrderStage stage;
    time_t created; /* all times in seconds since 1970 */
    time_t issued;  /* 0: not yet */
    time_t asked;   /* time of the last request; 0: none, or unknown */
    time_t expires; /* when the order expires at the CA; 0: the CA gave none */
    time_t
        waits_since; /* for the CA to verify, or in ORDER_STAGE_FINALIZING to issue; 0: unknown */
    bool is_exempt;  /* the CA counts the order for none of its limits (RFC 9773 §5) */
    char *account;   /* name of the account block; NULL: unknown */
    char *server;    /* URL of the CA's directory */
    char *auth;      /* name of the auth block */
    char *body;      /* of the request, byte for byte; a NUL follows the .body_size bytes */
    size_t body_size;
    char *request_id;         /* of the first request */
    char *client;             /* address of its client; NULL: unknown */
    char *url, *finalize_url; /* NULL in ORDER_STAGE_NEW; the latter may be set later than .url */
    char *chain;              /* PEM, in ORDER_STAGE_ISSUED */
} OrderRecord;

void order_record_done(OrderRecord *record);

/* Fills the record of a new order. Copies the body and the name of the auth block of @request,
 * @request_id and @client (NULL: unknown). .asked stays 0. Returns 0 or -ENOMEM. */
int order_record_init(OrderRecord *record, const SignRequest *request, const char *request_id,
                      const char *client);

/* When the order expires at the CA, or 7 days after its creation if that is earlier. */
time_t order_record_expires(const OrderRecord *record);

/* Sets the account of the order: @name of its block and URL of the CA's directory. Returns 0 or
 * -ENOMEM. */
int order_record_set_account(OrderRecord *record, const char *name, const char *server);

/* Removes what belongs to the order at the CA, and returns to ORDER_STAGE_NEW. */
void order_record_forget_url(OrderRecord *record);

/* In all functions below, @state is the state directory, and @key is storage_key() of the body. The
 * first record creates orders/. */

/* Creates the directory of the records if it is missing. @ret: its path, a new string. Returns 0 or
 * -errno. */
int order_record_directory(const char *state, char **ret);

/* Whether this file name in the directory is that of a record. @key: its key. */
bool order_record_is_named(const char *name, char key[STORAGE_KEY_SIZE]);

/* Whether there is a record. True if that cannot be found out. */
bool order_record_exists(const char *state, const char *key);

/* Writes a record, and replaces an older one. Returns 0 or -errno. */
int order_record_save(const char *state, const char *key, const OrderRecord *record);

/* Reads a record. @ret: order_record_done(). Returns 0; -ENOENT: it does not exist; -EBADMSG: it is
 * damaged, or not the record of this key; -EPROTONOSUPPORT: it has a newer version; other -errno.
 */
int order_record_load(const char *state, const char *key, OrderRecord *ret);

/* Removes a record. Returns 0, also if it does not exist; -errno. */
int order_record_remove(const char *state, const char *key);

/* Lists the keys of all records. @ret: strv_free(). Returns 0 or -errno. */
int order_record_list(const char *state, char ***ret);

/* Removes the temporary files of a crash. Only for the process that writes records. Returns 0 or
 * -errno. */
int order_record_clean(const char *state);
