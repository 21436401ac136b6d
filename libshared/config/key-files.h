/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Files with keys that a configuration names: what is wrong with them is wrong with it, but only
 * who may read them can tell. */

#include "config/config.h"

/* Reads all TSIG keys into the configuration. Findings are told like those of config_load(),
 * @message NULL: to nobody. 0 or -EINVAL. */
int key_files_read(Config *config, config_message_cb message, void *userdata);
