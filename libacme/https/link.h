/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Link headers (RFC 8288 §3). */

#include <stddef.h>

/* Borrowed. */
typedef struct LinkWish {
    const char *relation; /* "alternate" */
    const char *base;     /* the URL of the request, for relative targets */
    size_t max;           /* maximum number of strings in the vector */
} LinkWish;

/**
 * link_add_targets() - add the URLs of a header that have a relation
 * @header: value of one header: "<https://ca.example/1>;rel=\"alternate\", </2>; rel=index"
 * @urls: string vector to add to
 *
 * Only https:// URLs are added. Parsing ends at the first text that is no link. 0 or -ENOMEM.
 */
int link_add_targets(const char *header, const LinkWish *wish, char ***urls);
