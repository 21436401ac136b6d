/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The Varlink interface io.acmems.Orders, which acmems-sign calls. */

#include "config/file.h"
#include "orders/orders.h"
#include "renewals/inventory.h"
#include "varlink-server.h"

/* Size limit of a call, bytes: max-size goes up to 16 MiB, and base64 needs four bytes for three.
 * acmems-sign enforces the max-size that is configured. */
#define SERVICE_FRAME_MAX (24U * 1024U * 1024U)

typedef struct Service {
    ConfigFile *config_file;
    Inventory *inventory;
    Orders *orders;
} Service;

extern const VarlinkInterface orders_interface; /* its userdata is a Service */
