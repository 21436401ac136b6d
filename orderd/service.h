/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* io.acmems.Orders: what the sign handlers ask of orderd. */

#include "config-file.h"
#include "orders.h"
#include "varlink-server.h"

typedef struct Service {
    ConfigFile *config_file;
    Orders *orders;
    VarlinkServer *server;
} Service;

extern const VarlinkInterface orders_interface; /* its userdata is a Service */

/* Size that a call may have under this config. */
size_t service_frame_max(const Config *config);
