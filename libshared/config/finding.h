/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is found wrong with a configuration after it was loaded: told like the findings of
 * config_load(). */

#include "config/config.h"

typedef struct ConfigListener {
    config_message_cb message; /* NULL: nobody listens */
    void *userdata;
} ConfigListener;

void config_tell(const ConfigListener *listener, int level, const char *file, unsigned line,
                 const char *format, ...) _printf_(5, 6);
