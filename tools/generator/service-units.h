/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Drop-ins that open the sandboxes of the services for the directories that the configuration
 * names. The units themselves know only the default directories. */

#include "config/config.h"
#include "generator/unit-file.h"

/**
 * service_units_write() - write the drop-ins of acmems-orderd and of the handlers
 *
 * A default directory needs no drop-in. systemd ignores a directory that does not exist when the
 * service starts. acmems-tlsalpn01 gets access to the address of `passthrough`. Returns 0 or
 * -errno.
 */
int service_units_write(const UnitDirectory *where, const Config *config);
