/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Refusals of the CA that may be about the account, although their problem types say something
 * else. */

#include <jansson.h>

#include "config/config.h"
#include "libacme/failure.h"

/* The request that the CA refused. */
typedef enum RefusedStep {
    REFUSED_NEW_ACCOUNT = 1 << 0, /* RFC 8555 §7.3 */
    REFUSED_NEW_ORDER = 1 << 1,   /* §7.4 */
    REFUSED_FINALIZE = 1 << 2,    /* §7.4 */
} RefusedStep;

/**
 * refusal_suspect_contact() - add to the reason that the account may need an e-mail address
 * @problem: what the CA said; NULL is fine
 * @contact: the contacts of the account, an array; if there is one, nothing is added. NULL: none
 *
 * RFC 8555 has no problem type for it, so CAs use others, at any of these steps.
 */
void refusal_suspect_contact(Failure *failure, RefusedStep step, const json_t *problem,
                             const json_t *contact);

/**
 * refusal_explain_registration() - correct and complete the reason after newAccount was refused
 * @failure: as failure_set_reply() made it
 * @problem: what the CA said; NULL is fine
 * @external: the external account that newAccount was bound to
 * @contact: the contacts that newAccount had, an array; NULL: none
 */
void refusal_explain_registration(Failure *failure, const json_t *problem,
                                  const ExternalAccount *external, const json_t *contact);
