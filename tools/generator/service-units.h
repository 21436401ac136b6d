/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What lets the services reach the directories that the configuration names, through sandboxes
 * that know the default ones only. */

#include "config/config.h"
#include "generator/unit-file.h"

/**
 * service_units_write() - drop-ins for acmems-orderd and the handlers
 *
 * What lies in the default directories needs none. A directory that is not there when the service
 * starts is passed over. acmems-tlsalpn01 gets a way to where connections are passed on to. Returns
 * 0 or -errno.
 */
int service_units_write(const UnitDirectory *where, const Config *config);
