/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The authorizations of one order, all together (RFC 8555 §7.1.3). */

#include "asking.h"
#include "authorization.h"

typedef struct Validation Validation;

/* Called once: all names are valid (@failure NULL) or will not be; taken over. */
typedef void (*validation_cb)(Failure *failure, void *userdata);

/**
 * validation_start() - see all of them through
 * @task: without .solvers what else than 421 is wrong with one of them counts for nothing
 * @asking: copied; restraint.h is told what became of its names
 * @urls: of the order object
 *
 * A name that fails validation is reported together with the others that do (421), anything else
 * at once. 0; -EBADMSG: the URLs make no sense; other -errno.
 */
int validation_start(sd_event *event, const AuthorizationTask *task, const Asking *asking,
                     const json_t *urls, validation_cb callback, void *userdata, Validation **ret);
Validation *validation_free(Validation *validation); /* NULL is fine; always returns NULL */

/* Both also of NULL: whether not all have ended yet; whether one of them has failed. */
bool validation_is_pending(const Validation *validation);
bool validation_has_failed(const Validation *validation);

/* Sets what one of them is waiting for, where that is known. False, also of NULL: it is not. */
bool validation_set_waiting(const Validation *validation, Failure *ret);
