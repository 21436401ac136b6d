/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/finding.h"

#include <stdarg.h>
#include <stdio.h>

void config_tell(const ConfigListener *listener, int level, const char *file, unsigned line,
                 const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    if (!listener->message)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    listener->message(level, file, line, str_or(text, "out of memory"), listener->userdata);
}
