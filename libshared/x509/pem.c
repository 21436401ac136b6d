/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/pem.h"

#include "base/macro.h"
#include "strings/encode.h"

#define BEGIN "-----BEGIN "
#define END   "-----END "
#define TAIL  "-----"

typedef struct Line {
    const char *start;
    size_t length; /* without the line end and the blanks before it */
} Line;

static bool next_line(const char **text, size_t *size, Line *ret)
{
    const char *end;
    size_t length;

    if (*size == 0)
        return false;
    end = memchr(*text, '\n', *size);
    length = end ? (size_t)(end - *text) : *size;
    *ret = (Line){ .start = *text, .length = length };
    while (ret->length > 0 && strchr("\r \t", ret->start[ret->length - 1]))
        ret->length--;
    if (end)
        length++;
    *text += length;
    *size -= length;
    return true;
}

static bool line_starts_with(const Line *line, const char *prefix)
{
    return line->length >= strlen(prefix) && memcmp(line->start, prefix, strlen(prefix)) == 0;
}

/* Returns 1 with the label of a begin or end line; 0 for another line; -EBADMSG if the final dashes
 * are missing. */
static int boundary_parse(const Line *line, const char *prefix, const char **ret_label,
                          size_t *ret_length)
{
    size_t around = strlen(prefix) + STRLEN(TAIL);

    if (!line_starts_with(line, prefix))
        return 0;
    if (line->length <= around ||
        memcmp(line->start + line->length - STRLEN(TAIL), TAIL, STRLEN(TAIL)) != 0)
        return -EBADMSG;
    *ret_label = line->start + strlen(prefix);
    *ret_length = line->length - around;
    return 1;
}

/* Reads from after the begin line to after the end line. */
static int block_finish(const char **text, size_t *size, PemBlock *block)
{
    Line line;

    block->data = *text;
    while (next_line(text, size, &line)) {
        const char *label;
        size_t length;
        int r;

        if (line_starts_with(&line, BEGIN))
            return -EBADMSG;
        r = boundary_parse(&line, END, &label, &length);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        if (length != block->label_length || memcmp(label, block->label, length) != 0)
            return -EBADMSG;
        block->data_size = (size_t)(line.start - block->data);
        block->size = (size_t)(line.start + line.length - block->start);
        return 1;
    }
    return -EBADMSG;
}

int pem_next(const char **text, size_t *size, PemBlock *ret)
{
    const char *at = *text;
    size_t left = *size;
    Line line;

    if (left > 0 && memchr(at, '\0', left))
        return -EBADMSG;
    while (next_line(&at, &left, &line)) {
        PemBlock block = { .start = line.start };
        int r;

        if (line_starts_with(&line, END))
            return -EBADMSG;
        r = boundary_parse(&line, BEGIN, &block.label, &block.label_length);
        if (r == 0)
            continue;
        if (r > 0)
            r = block_finish(&at, &left, &block);
        if (r < 0)
            return r;
        *text = at;
        *size = left;
        *ret = block;
        return 1;
    }
    *text = at;
    *size = 0;
    return 0;
}

bool pem_block_is(const PemBlock *block, const char *label)
{
    return block->label_length == strlen(label) &&
           memcmp(block->label, label, block->label_length) == 0;
}

int pem_block_decode(const PemBlock *block, uint8_t **ret, size_t *ret_size)
{
    _cleanup_free_ char *base64 = malloc(block->data_size + 1);
    size_t n = 0;
    int r;

    if (!base64)
        return -ENOMEM;
    for (size_t i = 0; i < block->data_size; i++)
        if (!strchr(" \t\r\n", block->data[i]))
            base64[n++] = block->data[i];
    r = base64_decode(base64, n, ret, ret_size);
    return r == -EINVAL ? -EBADMSG : r;
}
