/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The CA's problem types (RFC 8555 §6.7) and what they mean for the waiting client. */

#include <jansson.h>

#include "base/macro.h"

#define PROBLEM_URN "urn:ietf:params:acme:error:"

typedef struct Problem {
    const char *type;     /* without the URN prefix */
    int status;           /* HTTP status for the client */
    unsigned retry_after; /* s, if the CA names none; 0: a retry alone does not help */
    bool elsewhere;       /* the fault is at this CA: another one may succeed */
    const char *sentence; /* what it means, and what the client can do */
    const char *advice; /* what the administrator must do, as failure_advice() takes it; or NULL */
} Problem;

/* Looks up a problem type, with or without the URN prefix. Never NULL: unknown types share an
 * entry. */
const Problem *problem_find(const char *type);

/* Whether @type is of ACME: it has the URN prefix, or that of the drafts before RFC 8555. */
bool problem_type_is_acme(const char *type);

/* Returns the text that explains an error object of a CA: "detail", else "message" or "title",
 * which others than ACME servers use. NULL: it has none. Borrowed. */
const char *problem_detail(const json_t *document);

/* Whether problem_find() knows more than that there was an error. */
bool problem_is_known(const char *type);

/* Returns the type of a problem document without the URN prefix, "" if it has none. Borrowed from
 * the document. */
const char *problem_type(const json_t *document);

/**
 * problem_describe() - describe a problem document in one line
 *
 * "rateLimited: too many certificates …", followed by the identifiers and details of the
 * subproblems. Long text is cut, and a nonce is not quoted. Returns a new string, or NULL if out of
 * memory.
 */
char *problem_describe(const json_t *document);
