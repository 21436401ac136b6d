/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the CA's problem types (RFC 8555 §6.7) mean for the client that waits. */

#include <jansson.h>

#include "base/macro.h"

#define PROBLEM_URN "urn:ietf:params:acme:error:"

typedef struct Problem {
    const char *type;     /* behind the URN prefix */
    int status;           /* HTTP status for the client */
    unsigned retry_after; /* s, where the CA names none; 0: trying again does not help by itself */
    bool elsewhere;       /* it is the CA that cannot now: another one may */
    const char *sentence; /* what it means and what to do */
} Problem;

/* Looks a "type" up, with or without the URN prefix. Never NULL: an unknown type has an entry too.
 */
const Problem *problem_find(const char *type);

/* The type of a problem document without the URN prefix ("" when it has none); borrowed from it. */
const char *problem_type(const json_t *document);

/**
 * problem_describe() - a problem document in one sentence
 *
 * "rateLimited: too many certificates …", with the subproblems' identifiers and details behind it;
 * what is overlong is cut, and a nonce is not quoted. New string, NULL when out of memory.
 */
char *problem_describe(const json_t *document);
