/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Keys: the SHA-384 of a request body, or of the words that a file is about, in lower-case hex.
 * They name cache entries, orders and the other files of the state directory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define STORAGE_KEY_SIZE 97 /* 96 hex digits and NUL */

/* Computes the key of @size bytes. Returns 0; -ENOMEM: libcrypto cannot compute SHA-384. */
_warn_unused_ int storage_key(const void *body, size_t size, char key[STORAGE_KEY_SIZE]);

/* Whether the text has the form of a key: nothing else may become a part of a path. */
bool storage_is_key(const char *text);

/* A number made of a key, which is a hash: as good as a random one, and the same after a restart.
 */
uint32_t storage_key_dice(const char *key);
