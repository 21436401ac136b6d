/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One question to the CA: when does it want a cached certificate to be renewed (RFC 9773)? The
 * answer goes into the entry, with the time of the next question. */

#include "accounts.h"
#include "storage.h"

typedef struct RenewalQuestion RenewalQuestion;

typedef enum RenewalAnswer {
    RENEWAL_ANSWER_GIVEN,  /* a window */
    RENEWAL_ANSWER_FAILED, /* none, or none that makes sense: what was known before stands */
    RENEWAL_ANSWER_NEVER,  /* this CA says nothing of that */
} RenewalAnswer;

/* Frees the question. */
typedef void (*renewal_question_cb)(RenewalQuestion *question, RenewalAnswer answer,
                                    void *userdata);

/**
 * renewal_question_start() - ask about the certificate of an entry
 * @storage: of @config
 * @failures: how many questions about it failed of late, one after the other
 *
 * The CA is the one that issued it, as far as an account at it is configured; where it is not known
 * that of the default account. The callback comes once, from the event loop. Returns 0; -ENOENT:
 * there is no certificate, or no CA that could be asked about it; other -errno.
 */
int renewal_question_start(Accounts *accounts, Config *config, const Storage *storage,
                           const char *key, unsigned failures, renewal_question_cb callback,
                           void *userdata, RenewalQuestion **ret);
RenewalQuestion *renewal_question_free(RenewalQuestion *question); /* always returns NULL */
const char *renewal_question_key(const RenewalQuestion *question);
const Storage *renewal_question_storage(const RenewalQuestion *question);

DEFINE_CLEANUP_FUNC(RenewalQuestion *, renewal_question_free)
