/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Another key for the account (RFC 8555 §7.3.5), so that no crash loses the account: the new key is
 * on disk, as account.new.pem, before the CA hears of it. While it is there the CA alone knows
 * which of both keys counts, and is asked. */

#include "libacme/failure.h"
#include "libacme/transport/session.h"

typedef struct Rollover Rollover;

/* @failure NULL: account.pem is the key that the CA has. The session's key is to be set anew. */
typedef void (*rollover_cb)(const Failure *failure, void *userdata);

typedef struct RolloverPlan {
    EVP_PKEY *old, *new;
    const char *account; /* URL */
    const char *url;     /* keyChange of the directory */
} RolloverPlan;

/* Both: the callback comes once, from the event loop, unless cancelled; *ret is borrowed and
 * invalid from then on. What is under way is nobody else's: the account directory is locked. */

/**
 * rollover_start() - have the account take another key
 * @session: with the old key and the account's URL
 *
 * 0; -EBUSY: another program is at it; -EEXIST: an earlier one is to be resumed first; -EROFS: the
 * key is a credential; other -errno.
 */
int rollover_start(Session *session, const char *directory, const RolloverPlan *plan,
                   rollover_cb callback, void *userdata, Rollover **ret);

/**
 * rollover_resume() - see through what was cut off in the middle
 *
 * 1: it is being done; 0: there is nothing to do, or another program is at it; -errno.
 */
int rollover_resume(Session *session, const char *directory, rollover_cb callback, void *userdata,
                    Rollover **ret);

Rollover *rollover_cancel(Rollover *rollover); /* NULL is fine; always returns NULL */
