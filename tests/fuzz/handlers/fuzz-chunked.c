/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chunked body, in pieces whose sizes the first byte of the input decides. */

#include "serving/chunked.h"

#include <stdlib.h>
#include <string.h>

#include "input-pieces.h"

#define ROOM 4096U /* a max-size */

typedef struct Body {
    char *data; /* has exactly ROOM bytes, so that ASan sees one too many */
    size_t used, taken;
    int result;
} Body;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Body body_read(const char *in, size_t size, Pieces pieces)
{
    Body body = { .data = malloc(ROOM) };
    Chunked chunked = { 0 };

    if (!body.data)
        abort();
    while (body.result == 0 && body.taken < size) {
        size_t n = pieces_next(&pieces, size - body.taken), taken;

        body.result =
            chunked_read(&chunked, in + body.taken, n, body.data, ROOM, &body.used, &taken);
        if (taken > n || body.used > ROOM || (body.result == 0 && taken != n))
            abort();
        body.taken += taken;
    }
    return body;
}

/* The pieces must not matter, and the coding takes more bytes than its data. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Body whole, cut;

    if (size < 1)
        return 0;
    whole = body_read((const char *)data + 1, size - 1, pieces_of(0));
    cut = body_read((const char *)data + 1, size - 1, pieces_of(data[0]));
    if (whole.result != cut.result || (whole.used > 0 && whole.used >= whole.taken))
        abort();
    if (whole.result >= 0 && (whole.used != cut.used || whole.taken != cut.taken))
        abort();
    if (memcmp(whole.data, cut.data, whole.used < cut.used ? whole.used : cut.used) != 0)
        abort();
    free(whole.data);
    free(cut.data);
    return 0;
}
