/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Cuts a stream into pieces, as a network may: all whole, byte by byte, or of random sizes. */

#include <stddef.h>
#include <stdint.h>

typedef struct Pieces {
    uint32_t state; /* 0: the whole stream is one piece */
} Pieces;

#define PIECES_BYTES 1U /* every piece is a byte */

/* One byte of the input decides the sizes. */
static inline Pieces pieces_of(uint8_t byte)
{
    return (Pieces){ byte };
}

/* The size of the next piece, at most @left. */
static inline size_t pieces_next(Pieces *pieces, size_t left)
{
    size_t size;

    if (pieces->state == 0)
        return left;
    if (pieces->state == PIECES_BYTES)
        return 1;
    /* xorshift. Small pieces are as probable as large ones. */
    pieces->state ^= pieces->state << 13;
    pieces->state ^= pieces->state >> 17;
    pieces->state ^= pieces->state << 5;
    size = 1 + pieces->state % (1U << (1 + pieces->state / 65536 % 12));
    return size < left ? size : left;
}
