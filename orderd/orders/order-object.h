/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The JSON objects about an order that go to the CA and come from it (RFC 8555 §7.1.3, §7.4). */

#include "libacme/failure.h"
#include "statedir/order-record.h"
#include "x509/csr.h"

/* Makes the payload of newOrder: the names and addresses of the CSR (RFC 8738 §3), the profile, and
 * the id of the certificate that is replaced (RFC 9773 §5); each of the last two may be NULL: none.
 * The second function makes the payload of finalize. Both return NULL when out of memory. */
json_t *order_object_new(const Csr *csr, const char *profile, const char *replaces);
json_t *order_object_finalize(const Csr *csr);

/* Whether newOrder created an order. The head of the answer says so, even if the body was lost. */
bool order_object_is_made(const SessionReply *reply);

/* Whether the CA may have refused newOrder because of the certificate that it replaces. */
bool order_object_may_be_for_replaces(const SessionReply *reply);

/* Copies from the order object what the record lacks. Returns 0 or -ENOMEM. */
int order_object_note(const json_t *object, OrderRecord *record);

/* Sets why there is no certificate: the CA ended the order, perhaps when it @has_csr.
 * @retry_after: as for failure_set_problem(). */
void order_object_set_end(const json_t *object, bool has_csr, unsigned retry_after, Failure *ret);

/* Whether the CA refused newOrder because of what is ordered, in a general type of problem. */
bool order_object_refuses_names(const SessionReply *reply);

/* The same as order_object_set_end() for that. */
void order_object_set_names_refused(const json_t *problem, Failure *ret);

/* Sets why the CA refused the CSR in finalize. The account could place the order, so a problem type
 * that blames it or the request is about the CSR here. False: this is no such refusal. */
bool order_object_set_csr_refused(const SessionReply *reply, Failure *ret);
