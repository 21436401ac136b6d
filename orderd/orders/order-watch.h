/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Notices that an order's file is removed, as `acmemsctl clear` does to end an order. */

#include <systemd/sd-event.h>

/* @key: of an order whose file was removed, by acmems-orderd itself too. */
typedef void (*order_watch_cb)(const char *key, void *userdata);

typedef struct OrderWatch OrderWatch;

/* Watches orders/ in the state directory, and creates it if it is missing. Returns 0 or -errno. */
int order_watch_new(sd_event *event, const char *state, order_watch_cb callback, void *userdata,
                    OrderWatch **ret);
OrderWatch *order_watch_free(OrderWatch *watch); /* NULL is fine; always returns NULL */
