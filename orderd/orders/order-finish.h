/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Finalizing an order and storing its certificate (RFC 8555 §7.4). Both functions may end the
 * order. */

#include "orders/order-base.h"

/* Sends the CSR. @is_early: the CA has not reported the order as ready yet. */
void order_finalize(Order *order, bool is_early);

/* Fetches the certificate at @url and stores it. */
void order_fetch_chain(Order *order, const char *url);
