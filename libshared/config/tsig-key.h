/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The key that DNS messages are signed with (RFC 8945): as acmems.ini has it, or in the file that
 * tsig-keygen writes. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

typedef struct TsigAlgorithm {
    const char *name; /* "hmac-sha256" */
    const char *wire; /* as it stands in messages (RFC 8945 §6); NULL: cannot be signed with */
    bool weak;
} TsigAlgorithm;

typedef struct TsigKey {
    const TsigAlgorithm *algorithm;
    char *name;   /* lower case, without a dot at its end */
    char *secret; /* base64, wiped by tsig_key_free() */
} TsigKey;

TsigKey *tsig_key_free(TsigKey *key); /* always returns NULL */

#define TSIG_WHY_SIZE 160 /* of what is wrong with a key, in words */

/**
 * tsig_key_parse() - "hmac-sha256:name:secret"
 * @why: on -EINVAL: what is wrong, without the secret: "hmac-sha224 cannot be …"
 *
 * "sha256" means hmac-sha256. 0, -EINVAL, -ENOMEM.
 */
int tsig_key_parse(const char *text, char why[TSIG_WHY_SIZE], TsigKey **ret);

/* The same for what tsig-keygen writes: one key "name" { algorithm …; secret …; }; with named's
 * comments. */
int tsig_key_parse_file(const char *text, size_t size, char why[TSIG_WHY_SIZE], TsigKey **ret);

/* The same of a file. What else -errno says of it is in @why as well. */
int tsig_key_load(const char *path, char why[TSIG_WHY_SIZE], TsigKey **ret);

DEFINE_CLEANUP_FUNC(TsigKey *, tsig_key_free)
