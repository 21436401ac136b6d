/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The replay nonces of a CA that were not used yet (RFC 8555 §6.5). */

#include "base/macro.h"

#define NONCES_MAX 64U

/* Empty when zeroed. The newest is used first: the CA may have forgotten old ones. */
typedef struct Nonces {
    char *list[NONCES_MAX];
    size_t n;
} Nonces;

/* Whether it is base64url (RFC 8555 §6.5.1), of a sensible length; NULL is not. */
bool nonce_is_valid(const char *nonce);

/* Keeps a copy, in place of the oldest one where there are NONCES_MAX. An invalid one is ignored,
 * and so is one that there is no memory for. */
void nonces_add(Nonces *nonces, const char *nonce);

/* The newest one, which is free()d by the caller; NULL: there is none. */
char *nonces_take(Nonces *nonces);

void nonces_clear(Nonces *nonces);
