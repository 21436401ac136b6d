/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The authorizations of one order, all together (RFC 8555 §7.1.3). */

#include "limits/order-context.h"
#include "orders/authorization.h"

typedef struct Authorizations Authorizations;

/* Called once: all names are valid (@failure NULL) or will not be; taken over. */
typedef void (*authorizations_cb)(Failure *failure, void *userdata);

/**
 * authorizations_start() - see all of them through
 * @task: without .solvers what else than 421 is wrong with one of them counts for nothing
 * @context: copied; holds.h is told what became of its names
 * @urls: of the order object
 *
 * A name that fails validation is reported together with the others that do (421), anything else
 * at once. 0; -EBADMSG: the URLs make no sense; other -errno.
 */
int authorizations_start(sd_event *event, const AuthorizationTask *task,
                         const OrderContext *context, const json_t *urls,
                         authorizations_cb callback, void *userdata, Authorizations **ret);
Authorizations *authorizations_free(Authorizations *all); /* NULL is fine; always returns NULL */

/* Both also of NULL: whether not all have ended yet; whether one of them has failed. */
bool authorizations_are_pending(const Authorizations *all);
bool authorizations_have_failed(const Authorizations *all);

/* Sets what one of them is waiting for, where that is known. False, also of NULL: it is not. */
bool authorizations_set_waiting(const Authorizations *all, Failure *ret);
