/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Unused replay nonces of a CA (RFC 8555 §6.5). */

#include "base/macro.h"

#define NONCES_MAX 64U

/* Empty when zeroed. The newest is used first: the CA may have forgotten old ones. */
typedef struct Nonces {
    char *list[NONCES_MAX];
    size_t n;
} Nonces;

/* Whether @nonce is base64url (RFC 8555 §6.5.1) and not too long. NULL is invalid. */
bool nonce_is_valid(const char *nonce);

/* Adds a copy. It replaces the oldest nonce if there are NONCES_MAX. Does nothing if the nonce is
 * invalid or if out of memory. */
void nonces_add(Nonces *nonces, const char *nonce);

/* Removes and returns the newest nonce; NULL: there is none. The caller releases it with free(). */
char *nonces_take(Nonces *nonces);

void nonces_clear(Nonces *nonces);
