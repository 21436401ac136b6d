/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Numbers as written in a configuration: only decimal digits. */

#include <stddef.h>
#include <stdint.h>

/* Parses @length characters. Returns 0; -EINVAL for none, signs, blanks, leading zeros, other
 * characters; -ERANGE above @max. */
int number_parse(const char *text, size_t length, uint64_t max, uint64_t *ret);
