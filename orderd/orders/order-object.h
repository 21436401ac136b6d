/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the CA is told of an order, and what it says of one (RFC 8555 §7.1.3, §7.4). */

#include "libacme/failure.h"
#include "statedir/order-record.h"
#include "x509/csr.h"

/* The payload of newOrder: names and addresses of the CSR (RFC 8738 §3), the profile, and the
 * certificate that this one replaces (RFC 9773 §5); NULL for the latter two: none. NULL: there is
 * no memory, also of the payload of finalize. */
json_t *order_object_new(const Csr *csr, const char *profile, const char *replaces);
json_t *order_object_finalize(const Csr *csr);

/* Whether there is an order now: the head of an answer to newOrder says so, whatever became of the
 * rest. */
bool order_object_is_made(const SessionReply *reply);

/* Whether the CA may have refused newOrder for what it says of the certificate before. */
bool order_object_may_be_for_replaces(const SessionReply *reply);

/* Puts into the record what it does not know yet of the CA's order. 0 or -ENOMEM. */
int order_object_note(const json_t *object, OrderRecord *record);

/* Each: why there is no certificate. The CA ended the order; @retry_after as of
 * failure_set_problem(). */
void order_object_set_end(const json_t *object, unsigned retry_after, Failure *ret);

/* It refused finalize as "unauthorized", by this problem document. */
void order_object_set_names_missing(const json_t *problem, Failure *ret);
