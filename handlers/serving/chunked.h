/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The chunked transfer coding (RFC 9112 §7.1), read strictly: what a proxy in front could read
 * differently is refused. Extensions and trailers are dropped (§7.1.1, §7.1.2). */

#include <stddef.h>
#include <stdint.h>

typedef struct Chunked {
    unsigned state; /* 0 at the start */
    uint64_t left;  /* of the chunk */
    size_t line;    /* bytes in this line, or in all trailers */
} Chunked;

/* Longest size line with its extensions, and longest trailer section. */
#define CHUNKED_LINE_MAX    256U
#define CHUNKED_TRAILER_MAX 8192U

/**
 * chunked_read() - decode a piece of a body
 * @in: @size bytes
 * @out, @room: where its data goes; *@used of it is used already, and is counted on
 * @ret: bytes of @in that belong to the body
 *
 * Returns 1: the body is complete; 0: more must follow; -EMSGSIZE: it has more than @room bytes of
 * data; -EBADMSG: it is malformed.
 */
int chunked_read(Chunked *chunked, const char *in, size_t size, char *out, size_t room,
                 size_t *used, size_t *ret);
