/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a fuzz target without a fuzzer: each file of a directory unchanged, then ROUNDS (of
 * meson.build) mutations of those that are not too large. Each run makes the same mutations. */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"

#define INPUT_MAX   ((size_t)32768)
#define MUTATED_MAX ((size_t)4096) /* larger files are slow */
#define FILES_MAX   128U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct File {
    char *data;
    size_t size;
} File;

/* xorshift: good enough to reach all values. */
static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t below(uint32_t *state, size_t n)
{
    return n > 0 ? next(state) % n : 0;
}

static void set(uint32_t *state, uint8_t *data, size_t size, const File *other)
{
    static const uint8_t telling[] = { 0, 1, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff };

    (void)other;
    if (size > 0)
        data[below(state, size)] = telling[below(state, sizeof(telling))];
}

static void flip(uint32_t *state, uint8_t *data, size_t size, const File *other)
{
    (void)other;
    if (size > 0)
        data[below(state, size)] ^= (uint8_t)(1U << below(state, 8));
}

static void shift(uint32_t *state, uint8_t *data, size_t size, const File *other)
{
    size_t from = below(state, size), to = below(state, size);

    (void)other;
    memmove(data + to, data + from, below(state, size - (from > to ? from : to) + 1));
}

static void graft(uint32_t *state, uint8_t *data, size_t size, const File *other)
{
    size_t at = below(state, size), from = below(state, other->size);
    size_t n = size - at < other->size - from ? size - at : other->size - from;

    memcpy(data + at, other->data + from, n);
}

static size_t mutate(uint32_t *state, uint8_t *data, size_t size, const File *other)
{
    static void (*const ways[])(uint32_t * state, uint8_t * data, size_t size,
                                const File *other) = { set, flip, flip, set, shift, graft };

    for (size_t n = 1 + below(state, 8); n > 0; n--)
        ways[below(state, ELEMENTSOF(ways))](state, data, size, other);
    return below(state, 4) == 0 ? below(state, size + 1) : size;
}

static int run_one(const uint8_t *data, size_t size)
{
    /* A copy of the exact size, so that a sanitizer sees reads past its end. */
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static size_t read_all(const char *directory, File files[FILES_MAX])
{
    struct dirent **entries = NULL;
    int n = scandir(directory, &entries, is_input, compare), fd = open(directory, O_PATH);
    size_t n_files = 0;

    for (int i = 0; i < n; i++) {
        File *file = &files[n_files];

        if (n_files < FILES_MAX &&
            read_file_at(fd, entries[i]->d_name, INPUT_MAX, &file->data, &file->size) >= 0)
            n_files++;
        free(entries[i]);
    }
    free(entries);
    (void)close(fd);
    return n_files;
}

int main(int argc, char *argv[])
{
    File files[FILES_MAX] = { 0 };
    size_t n = argc == 2 ? read_all(argv[1], files) : 0;
    uint8_t data[MUTATED_MAX];
    uint32_t state = 1;

    if (n == 0) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < n; i++)
        if (run_one((const uint8_t *)files[i].data, files[i].size) < 0)
            return EXIT_FAILURE;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const File *file = &files[below(&state, n)];
        size_t size = file->size;

        if (size > sizeof(data))
            continue;
        memcpy(data, file->data, size);
        size = mutate(&state, data, size, &files[below(&state, n)]);
        if (run_one(data, size) < 0)
            return EXIT_FAILURE;
    }
    for (size_t i = 0; i < n; i++)
        free(files[i].data);
    return EXIT_SUCCESS;
}
