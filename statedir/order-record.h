/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is on disk of an order in flight: <state directory>/orders/<key>.json, written before the
 * step that it announces. */

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/macro.h"
#include "statedir/storage/request.h"

/* Each stage is written before what it names is done. */
typedef enum OrderStage {
    ORDER_STAGE_NEW,        /* the CA is asked for an order; whether it made one is not known */
    ORDER_STAGE_PLACED,     /* it has one, at .url */
    ORDER_STAGE_FINALIZING, /* the CSR is sent; whether the CA took it is not known */
    ORDER_STAGE_ISSUED,     /* .chain waits to be asked for: no storage keeps it */
} OrderStage;

typedef struct OrderRecord {
    OrderStage stage;
    time_t created; /* seconds since 1970, as the other times */
    time_t issued;  /* 0: not yet */
    time_t asked;   /* when a client last asked for it; 0: none did, or it is not known */
    time_t expires; /* when the CA drops the order; 0: it did not say */
    char *account;  /* name of its block; NULL: not known */
    char *server;   /* URL of the CA's directory */
    char *auth;     /* name of the auth block */
    char *body;     /* of the request, byte for byte; NUL-terminated behind .body_size */
    size_t body_size;
    char *request_id;         /* of the first who asked */
    char *client;             /* its address, or NULL */
    char *url, *finalize_url; /* NULL in ORDER_STAGE_NEW; the latter may come after .url */
    char *chain;              /* PEM, in ORDER_STAGE_ISSUED */
} OrderRecord;

void order_record_done(OrderRecord *record);

/* Describes an order that has not begun: body and auth block of the request are copied, like
 * @request_id and @client (NULL: not known). .asked stays 0. Returns 0 or -ENOMEM. */
int order_record_init(OrderRecord *record, const SignRequest *request, const char *request_id,
                      const char *client);

/* When the CA drops the order, or it is given up where the CA did not say. */
time_t order_record_expires(const OrderRecord *record);

/* It is placed with this account of the block's, by @name and URL of the CA's directory. 0 or
 * -ENOMEM. */
int order_record_set_account(OrderRecord *record, const char *name, const char *server);

/* Forgets what the CA has of it: it is ORDER_STAGE_NEW again. */
void order_record_forget_url(OrderRecord *record);

/* All of these: @state is the state directory; orders/ in it is made by the first record. @key is
 * storage_key() of the body. */

/* Writes it, in place of an older one. 0 or -errno. */
int order_record_save(const char *state, const char *key, const OrderRecord *record);

/* -ENOENT: there is none; -EBADMSG: it is no such record; -EPROTONOSUPPORT: of a newer version;
 * other -errno. */
int order_record_load(const char *state, const char *key, OrderRecord *ret);

/* 0, also where there is none; -errno. */
int order_record_remove(const char *state, const char *key);

/* The keys of all. 0 or -errno. *ret: strv_free(). */
int order_record_list(const char *state, char ***ret);

/* Removes what a crash left half; for the one who writes them. 0 or -errno. */
int order_record_clean(const char *state);
