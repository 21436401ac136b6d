/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The state of orderd in words, for the line "Status:" of systemctl status. */

#include "renewals/inventory.h"

#define STATUS_SIZE 256

/* Fills @buf and returns it: "3 orders in flight; 1,204 certificates, 2 of them due; next renewal
 * 2026-12-01 04:00 UTC" */
const char *status_describe(size_t n_orders, const InventoryCount *count, char buf[STATUS_SIZE]);
