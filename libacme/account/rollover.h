/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Account key rollover (RFC 8555 §7.3.5). A crash cannot lose the account: the new key is on disk,
 * as account.new.pem, before the CA receives it. While that file exists, only the CA knows which of
 * both keys is valid, and is asked. */

#include "libacme/failure.h"
#include "libacme/transport/session.h"
#include "statedir/account/account-key.h"

typedef struct Rollover Rollover;

/* @failure NULL: account.pem is the key that the CA has. The caller must set the session's key
 * again. */
typedef void (*rollover_cb)(const Failure *failure, void *userdata);

typedef struct RolloverPlan {
    EVP_PKEY *old, *new;
    const char *account; /* URL */
    const char *url;     /* keyChange of the directory */
} RolloverPlan;

/* For both functions: the callback comes once, from the event loop, unless cancelled. *ret is
 * borrowed and invalid from then on. The account directory stays locked until the end. */

/**
 * rollover_start() - change the key of the account
 * @session: with the old key and the account's URL
 *
 * 0; -EBUSY: another program is changing it; -EEXIST: an earlier change must be resumed first;
 * -EROFS: the key is a credential; other -errno.
 */
int rollover_start(Session *session, const char *directory, const RolloverPlan *plan,
                   rollover_cb callback, void *userdata, Rollover **ret);

/**
 * rollover_resume() - complete an interrupted change
 * @why: on failure the reason, a clause about account.new.pem
 *
 * 1: it is in progress; 0: there is nothing to do, or another program does it; -EXDEV: the account
 * is at another CA than that of the session, see ROLLOVER_ELSEWHERE; other -errno.
 */
#define ROLLOVER_ELSEWHERE                                                                         \
    "a change of the account key at another CA was interrupted; set acme-server to that CA "       \
    "again and run acme-register, which completes the change"
int rollover_resume(Session *session, const char *directory, char why[ACCOUNT_KEY_WHY_SIZE],
                    rollover_cb callback, void *userdata, Rollover **ret);

Rollover *rollover_cancel(Rollover *rollover); /* NULL is fine; always returns NULL */
