/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The Varlink interface io.acmems.Orders, which acmems-sign calls. */

#include "loading/file.h"
#include "log/log-throttle.h"
#include "orders/orders.h"
#include "renewals/inventory.h"
#include "varlink/server.h"

typedef struct Service {
    ConfigFile *config_file;
    Inventory *inventory;
    Orders *orders;
    LogThrottle full; /* of entries that there is no room for an order */
} Service;

#define SERVICE_FULL_INTERVAL (10 * USEC_PER_SEC)

extern const VarlinkInterface orders_interface; /* its userdata is a Service */
