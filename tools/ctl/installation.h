/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Whether what the configuration names is there, and may be read by those who have to: what the
 * text alone does not tell. */

#include "config/config.h"

/* One warning for each thing that does not fit. @path: the main file, as it was read. */
void installation_check(const char *path, const Config *config, config_message_cb message,
                        void *userdata);
