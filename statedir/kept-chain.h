/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A chain that no storage keeps: it waits in its order's record for its request to come again. */

#include "statedir/order-record.h"
#include "x509/chain.h"

/* Puts it into the record, which is ORDER_STAGE_ISSUED then. 0; -errno: the record is as it was. */
int kept_chain_put(OrderRecord *record, const Chain *chain);

/* Whether it waits still: for a day from its issuance on. */
bool kept_chain_is_current(const OrderRecord *record);

/* Loads one of any age, with its record. 0; -ENOENT: there is none; -errno as of
 * order_record_load() and chain_parse(). */
int kept_chain_load(const char *state, const char *key, Chain **ret, OrderRecord *ret_record);
