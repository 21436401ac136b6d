/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The key files that a configuration names. A broken key file makes the configuration invalid, but
 * only a program that can read the file can check it. */

#include "config/config.h"

/* Reads all TSIG keys into the configuration. Findings go to @message as from config_load(); NULL
 * drops them. Returns 0 or -EINVAL. */
int key_files_read(Config *config, config_message_cb message, void *userdata);

/* The same for one verification, which need not name a key file. */
int key_file_read(Verification *verification, config_message_cb message, void *userdata);
