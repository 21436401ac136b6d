/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What a test saw, a line for each event, to be compared with what it expects. */

#include <stdarg.h>

#include "test.h"

static char trace_text[65536];
static size_t trace_size;

static inline void _printf_(1, 2) trace_add(const char *format, ...)
{
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(trace_text + trace_size, sizeof(trace_text) - trace_size, format, arguments);
    va_end(arguments);
    ASSERT_TRUE(n >= 0 && trace_size + (size_t)n + 1 < sizeof(trace_text));
    trace_size += (size_t)n;
    trace_text[trace_size++] = '\n';
    trace_text[trace_size] = '\0';
}

static inline void trace_clear(void)
{
    trace_size = 0;
    trace_text[0] = '\0';
}

/* Compares and clears the trace. @name: of the case, for the message. */
static inline void trace_assert(const char *name, const char *expected)
{
    if (strcmp(trace_text, expected) != 0) {
        fprintf(stderr, "%s: expected:\n%s\nseen:\n%s", name, expected, trace_text);
        exit(EXIT_FAILURE);
    }
    trace_clear();
}
