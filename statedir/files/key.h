/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Keys: the SHA-384 of a request body, or of the text that identifies the subject of a file, in
 * lower-case hex. They name cache entries, orders and the other files of the state directory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

#define STORAGE_KEY_SIZE 97 /* 96 hex digits and NUL */

/* Computes the key of @size bytes. Returns 0; -ENOMEM: libcrypto cannot compute SHA-384. */
_warn_unused_ int storage_key(const void *body, size_t size, char key[STORAGE_KEY_SIZE]);

/* Whether the text has the form of a key. Nothing else may become part of a path. */
bool storage_is_key(const char *text);

/* A number from the first digits of a key. It is as good as a random number, because the key is a
 * hash, and it is the same after a restart. */
uint32_t storage_key_dice(const char *key);
