/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A chain that no storage keeps. It stays in the file of its order until its request is
 * repeated. */

#include "statedir/order-record.h"
#include "x509/chain.h"

/* Puts a chain into the record, and sets ORDER_STAGE_ISSUED. Returns 0; -errno: the record is
 * unchanged. */
int kept_chain_put(OrderRecord *record, const Chain *chain);

/* Whether the record has a chain that is kept: for a day after its issuance. */
bool kept_chain_is_current(const OrderRecord *record);

/* Loads a chain of any age, with its record. @ret: chain_free(); @ret_record: order_record_done().
 * Returns 0; -ENOENT: it does not exist; other -errno of order_record_load() and chain_parse(). */
int kept_chain_load(const char *state, const char *key, Chain **ret, OrderRecord *ret_record);
