/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Placing an order with the CA: newOrder (RFC 8555 §7.4). */

#include "orders/order-base.h"

/* Checks what can be checked before the account is opened, which may need requests to the CA.
 * False: the order has ended. */
bool order_may_begin(Order *order) _warn_unused_;

/* Sends newOrder, with the account that is open. May end the order. */
void order_place(Order *order);
