/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Assertions that say what they found, and end the test program. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define ASSERT_TRUE(expression)                                                                    \
    do {                                                                                           \
        if (!(expression)) {                                                                       \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #expression);             \
            exit(EXIT_FAILURE);                                                                    \
        }                                                                                          \
    } while (0)

#define ASSERT_FALSE(expression) ASSERT_TRUE(!(expression))

#define ASSERT_EQ(a, b)                                                                            \
    do {                                                                                           \
        intmax_t _a = (intmax_t)(a), _b = (intmax_t)(b);                                           \
        if (_a != _b) {                                                                            \
            fprintf(stderr, "%s:%d: %s is %jd, %s is %jd\n", __FILE__, __LINE__, #a, _a, #b, _b);  \
            exit(EXIT_FAILURE);                                                                    \
        }                                                                                          \
    } while (0)

#define ASSERT_OK(expression) ASSERT_EQ(expression, 0)

#define ASSERT_STREQ(a, b)                                                                         \
    do {                                                                                           \
        const char *_a = (a), *_b = (b);                                                           \
        if (!_a || !_b || strcmp(_a, _b) != 0) {                                                   \
            fprintf(stderr, "%s:%d: \"%s\" is not \"%s\"\n", __FILE__, __LINE__,                   \
                    _a ? _a : "(null)", _b ? _b : "(null)");                                       \
            exit(EXIT_FAILURE);                                                                    \
        }                                                                                          \
    } while (0)
