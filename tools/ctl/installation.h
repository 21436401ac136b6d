/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Checks beyond the text of a configuration: the files and directories that it names exist, the
 * services have the rights that they need, its accounts are registered, and its listeners are open.
 */

#include "config/config.h"

/* Report one warning for each problem. @path: the main file as it was given; for a file
 * outside of /etc/acmems, only what the configuration itself says is checked, and that each ca-file
 * exists. */
void installation_check(const char *path, const Config *config, config_message_cb message,
                        void *userdata);
