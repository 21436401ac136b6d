/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The files that only acmems-orderd may read: keys for TSIG and EAB, and of accounts. */

#include "config/config.h"

/* Report a warning for each file that the handlers could read, and for each that is no regular
 * file. */
void secrecy_check(const Config *config, const ConfigListener *listener);
