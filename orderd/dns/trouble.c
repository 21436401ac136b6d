/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/trouble.h"

#include <stdarg.h>
#include <stdio.h>

static void advance(DnsTrouble *trouble, int n)
{
    size_t left = sizeof(trouble->text) - trouble->n;

    if (n > 0)
        trouble->n += (size_t)n < left ? (size_t)n : left - 1;
}

void dns_trouble_add(DnsTrouble *trouble, const char *format, ...)
{
    va_list arguments;

    if (trouble->n > 0)
        advance(trouble,
                snprintf(trouble->text + trouble->n, sizeof(trouble->text) - trouble->n, "; "));
    va_start(arguments, format);
    advance(trouble, vsnprintf(trouble->text + trouble->n, sizeof(trouble->text) - trouble->n,
                               format, arguments));
    va_end(arguments);
}
