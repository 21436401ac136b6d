/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Checks beyond the text of a configuration: the files and directories that it names exist, and the
 * services have the rights that they need. */

#include "config/config.h"

/* Report one warning for each problem. @path: the main file as it was given; nothing is checked for
 * a file outside of /etc/acmems. */
void installation_check(const char *path, const Config *config, config_message_cb message,
                        void *userdata);
