/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* io.acmems.Orders: what the sign handlers ask of orderd. */

#include "config/file.h"
#include "orders/orders.h"
#include "renewals/inventory.h"
#include "varlink-server.h"

/* Size that a call may have, bytes: max-size goes up to 16 MiB, and base64 takes four bytes for
 * three. Which of it a client may use is the sign handler's to say, by its own configuration. */
#define SERVICE_FRAME_MAX (24U * 1024U * 1024U)

typedef struct Service {
    ConfigFile *config_file;
    Inventory *inventory;
    Orders *orders;
} Service;

extern const VarlinkInterface orders_interface; /* its userdata is a Service */
