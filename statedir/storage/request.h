/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A request to sign a CSR, on its way from the client's connection or the disk to the order and the
 * cache. Its body is hashed once and parsed once. */

#include "config/config.h"
#include "statedir/files/key.h"
#include "x509/csr.h"

typedef struct SignRequest {
    const char *body;           /* as received, byte for byte */
    size_t size;                /* bytes */
    char key[STORAGE_KEY_SIZE]; /* storage_key() of the body */
    Csr *csr;                   /* the parsed body, owned; NULL before sign_request_parse() */
    const AuthBlock *auth;      /* the block that permits it, borrowed; NULL: not chosen yet */
    char *memory;               /* the body, owned; NULL: the body is borrowed */
} SignRequest;

/* Creates a request and computes its key. @body: borrowed; must outlive the request. Returns 0, or
 * -errno of storage_key(). */
int sign_request_init(SignRequest *ret, const char *body, size_t size) _warn_unused_;

/* As sign_request_init(), but takes ownership of *body (malloc()ed) on success and sets it to
 * NULL. */
int sign_request_take(SignRequest *ret, char **body, size_t size) _warn_unused_;

/* Parses the body as a CSR. Returns as csr_parse() does. */
int sign_request_parse(SignRequest *request, const char **ret_why) _warn_unused_;

/* Moves the parsed CSR to *ret, which also gets the key, the auth block, and @body: a copy of the
 * body that outlives *ret. */
void sign_request_move(SignRequest *request, const char *body, SignRequest *ret);

/* Frees everything that the request owns. A zeroed request is valid too. */
void sign_request_done(SignRequest *request);
