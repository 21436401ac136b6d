/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Waits until every authoritative server of a zone answers with a record: the CA may ask any of
 * them. */

#include "dns/settings.h"

typedef struct Propagation Propagation;

/* @trouble: which servers do not have it, and what each of them said; NULL: all have it.
 * Borrowed. */
typedef void (*propagation_cb)(const char *trouble, void *userdata);

/**
 * propagation_await() - look up the servers, and ask until all have it or the time is over
 * @settings, @text: borrowed until the callback
 *
 * The servers and their addresses come from the resolvers, or else from the servers that are
 * updated; one that is among these is asked at the port that is given there. An address that cannot
 * be reached from here for want of a route does not count where the server has others.
 *
 * The callback comes once, from the event loop, unless cancelled. 0 or -errno.
 */
int propagation_await(const DnsSettings *settings, const DnsText *text, propagation_cb callback,
                      void *userdata, Propagation **ret);
/* What there is to tell of it meanwhile: the servers that do not have it yet, as above; NULL: it is
 * not known. Borrowed until the next call. */
const char *propagation_lag(Propagation *propagation);

Propagation *propagation_cancel(Propagation *propagation); /* NULL is fine; always returns NULL */
