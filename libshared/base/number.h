/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Numbers as people write them in a config: decimal digits and nothing else. */

#include <stddef.h>
#include <stdint.h>

/* Reads @length characters. 0; -EINVAL for none, signs, blanks, leading zeros, other characters;
 * -ERANGE past @max. */
int number_parse(const char *text, size_t length, uint64_t max, uint64_t *ret);
