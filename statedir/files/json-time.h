/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Times in JSON objects: seconds since 1970. */

#include <jansson.h>
#include <time.h>

#define JSON_TIME_MAX 253402300799 /* the end of the year 9999, as in X.509 and RFC 3339 */

/* The time in a number. 0: it is not a number, or not a time from 1970 to JSON_TIME_MAX. So no sum
 * and no difference of two times overflows. */
static inline time_t json_time(const json_t *value)
{
    json_int_t seconds = json_integer_value(value);

    return seconds >= 0 && seconds <= JSON_TIME_MAX ? (time_t)seconds : 0;
}
