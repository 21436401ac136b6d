/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A request to sign a CSR, as it goes from the client's connection or from the disk to the order
 * and into the cache: its body is hashed once and parsed once. */

#include "config/config.h"
#include "statedir/files/key.h"
#include "x509/csr.h"

typedef struct SignRequest {
    const char *body; /* as it came, byte for byte */
    size_t size;
    char key[STORAGE_KEY_SIZE]; /* storage_key() of the body */
    Csr *csr;                   /* the parsed body, owned; NULL before sign_request_parse() */
    const AuthBlock *auth;      /* that permits it, borrowed; NULL before one is chosen */
    char *memory;               /* of the body, owned; NULL: the body is borrowed */
} SignRequest;

/* Both set *ret, with the key. Returns 0, or -errno of storage_key(). */

/* @body: borrowed; must outlive the request. */
int sign_request_init(SignRequest *ret, const char *body, size_t size) _warn_unused_;

/* @body: malloc()ed, taken over on success. */
int sign_request_take(SignRequest *ret, char **body, size_t size) _warn_unused_;

/* Parses the body. Returns as csr_parse() does. */
int sign_request_parse(SignRequest *request, const char **ret_why) _warn_unused_;

/* Moves the request to *ret, but not its body: @body is a copy of it that outlives *ret. */
void sign_request_move(SignRequest *request, const char *body, SignRequest *ret);

void sign_request_done(SignRequest *request); /* a zeroed one is fine */
