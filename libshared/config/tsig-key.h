/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The key that signs DNS messages (RFC 8945): as written in acmems.ini, or in a file from
 * tsig-keygen. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct TsigAlgorithm {
    const char *name; /* "hmac-sha256" */
    const char *wire; /* name in messages (RFC 8945 §6); NULL: not supported */
    bool weak;
} TsigAlgorithm;

typedef struct TsigKey {
    const TsigAlgorithm *algorithm;
    char *name;   /* lower case, without a trailing dot */
    char *secret; /* base64, wiped by tsig_key_free() */
} TsigKey;

TsigKey *tsig_key_free(TsigKey *key); /* always returns NULL */

#define TSIG_WHY_SIZE 160 /* of the clause that says what is wrong with a key */

/**
 * tsig_key_parse() - parse "hmac-sha256:name:secret"
 * @why: on -EINVAL: what is wrong, without the secret: "its name is not a valid key name"
 *
 * "sha256" means hmac-sha256. Returns 0, -EINVAL, -ENOMEM.
 */
int tsig_key_parse(const char *text, char why[TSIG_WHY_SIZE], TsigKey **ret);

/* The same for the output of tsig-keygen: one key "name" { algorithm …; secret …; }; with comments
 * as in named.conf. */
int tsig_key_parse_file(const char *text, size_t size, char why[TSIG_WHY_SIZE], TsigKey **ret);

/* The same for a file. Other errors are -errno, with @why set, too. */
int tsig_key_load(const char *path, char why[TSIG_WHY_SIZE], TsigKey **ret);

DEFINE_CLEANUP_FUNC(TsigKey *, tsig_key_free)
