/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What several DNS servers said, in one line: "192.0.2.53: REFUSED; 192.0.2.54: timeout". */

#include <stddef.h>

#include "base/macro.h"

/* Enough for all that anybody configures; what does not fit is cut off. */
#define DNS_TROUBLE_SIZE 1024U

/* Empty when zeroed. */
typedef struct DnsTrouble {
    char text[DNS_TROUBLE_SIZE];
    size_t n;
} DnsTrouble;

void dns_trouble_add(DnsTrouble *trouble, const char *format, ...) _printf_(2, 3);

static inline void dns_trouble_clear(DnsTrouble *trouble)
{
    trouble->n = 0;
    trouble->text[0] = '\0';
}
