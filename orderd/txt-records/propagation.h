/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Wait until every authoritative server of a zone answers with a record, because the CA may ask any
 * of them. */

#include "dns/settings.h"

typedef struct Propagation Propagation;

/* @trouble: the servers that do not have the record, each with its answer or error; NULL: all have
 * it. Borrowed. */
typedef void (*propagation_cb)(const char *trouble, void *userdata);

/**
 * propagation_await() - ask the servers until all have the record or the time is over
 * @settings, @text: borrowed until the callback
 *
 * The servers and their addresses come from the resolvers, or else from the servers that are
 * updated. A server that is updated is asked at its configured port. An address without a route
 * from here is ignored if the server has others.
 *
 * The callback comes once, from the event loop, unless cancelled. 0 or -errno.
 */
int propagation_await(const DnsSettings *settings, const DnsText *text, propagation_cb callback,
                      void *userdata, Propagation **ret);
/* Returns the servers that do not have the record yet, as above; NULL: unknown. Borrowed until the
 * next call. */
const char *propagation_lag(Propagation *propagation);

Propagation *propagation_cancel(Propagation *propagation); /* NULL is fine; always returns NULL */
