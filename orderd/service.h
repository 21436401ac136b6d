/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The Varlink interface io.acmems.Orders, which acmems-sign calls. */

#include "loading/file.h"
#include "orders/orders.h"
#include "renewals/inventory.h"
#include "varlink/server.h"

typedef struct Service {
    ConfigFile *config_file;
    Inventory *inventory;
    Orders *orders;
} Service;

extern const VarlinkInterface orders_interface; /* its userdata is a Service */
