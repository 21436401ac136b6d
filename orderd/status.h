/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The state of orderd in words, for the line "Status:" of systemctl status. */

#include "renewals/inventory.h"

#define STATUS_SIZE 512

/* Fills @buf and returns it: what keeps orderd from its work, "no account at https://ca.test/dir:
 * run acme-register; ", or "". @is_broken: the changed configuration has errors. */
const char *status_describe_trouble(const Config *config, bool is_broken, char buf[STATUS_SIZE]);

/* Fills @buf and returns it: "3 orders in flight; 1,204 certificates, 2 of them due; next renewal
 * 2026-12-01 04:00 UTC" */
const char *status_describe(size_t n_orders, const InventoryCount *count, char buf[STATUS_SIZE]);
