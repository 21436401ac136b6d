/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* All authorizations of one order (RFC 8555 §7.1.3). */

#include "authorizations/authorization.h"
#include "limits/order-context.h"

typedef struct Authorizations Authorizations;

/* Called once: all authorizations are valid (@failure NULL), or one cannot become valid; the
 * failure is taken over. */
typedef void (*authorizations_cb)(Failure *failure, void *userdata);

/* The order that the authorizations belong to, and how their end is reported. */
typedef struct AuthorizationsCall {
    OrderContext context; /* the result for each name is passed to holds.h */
    authorizations_cb callback;
    void *userdata;
} AuthorizationsCall;

/**
 * authorizations_start() - fetch and answer all authorizations
 * @task: if .solvers is NULL, failures other than 421 are ignored
 * @urls: of the order object
 * @call: copied
 *
 * All names that fail validation are reported together (421). Any other failure is reported at
 * once. Returns 0; -EBADMSG: the URLs make no sense; other -errno.
 */
int authorizations_start(const AuthorizationTask *task, const json_t *urls,
                         const AuthorizationsCall *call, Authorizations **ret);
Authorizations *authorizations_free(Authorizations *all); /* NULL is fine; always returns NULL */

/* As authorization_hurry(), of all. NULL is fine. */
void authorizations_hurry(Authorizations *all);

/* Whether some have not ended yet; whether one has failed. NULL is fine: false. */
bool authorizations_are_pending(const Authorizations *all);
bool authorizations_have_failed(const Authorizations *all);

/* Sets what one of them is waiting for. False, also for NULL: that is not known. */
bool authorizations_set_waiting(const Authorizations *all, Failure *ret);
