/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Whether clients and the CA can reach the listeners of a configuration. */

#include "config/config.h"

/* Reports auth blocks that no client can match, because [mgmt] listens on this machine only. */
void reachability_check(const Config *config, const ConfigListener *listener);

/* Reports listeners that the auth blocks need and at which no process listens now. */
void reachability_check_sockets(const Config *config, const ConfigListener *listener);
