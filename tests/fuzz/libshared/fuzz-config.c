/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmems.ini, as each program and as acmems-generator read it. A form feed begins the next file in
 * acmems.d; a file of only "/" is a directory instead. */

#include "config/config.h"

#include <limits.h>
#include <string.h>

#include "input-file.h"
#include "loading/load.h"

#define DROPINS_MAX 4U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_finding(int level, const char *file, unsigned line, const char *text, void *userdata)
{
    unsigned *n = userdata;

    (void)level;
    (void)line;
    if (!file || !*text || strchr(text, '\n'))
        abort();
    (*n)++;
}

static void make_directory(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/%s", input_place(), name);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        abort();
}

/* Writes the file; NULL: there is none. Removes that of the previous input. */
static void write_dropin(unsigned i, const uint8_t *data, size_t size)
{
    char path[PATH_MAX], name[32];

    (void)snprintf(name, sizeof(name), "acmems.d/%u.ini", i);
    (void)snprintf(path, sizeof(path), "%s/%s", input_place(), name);
    if (remove(path) < 0 && errno != ENOENT)
        abort();
    if (data && size == 1 && *data == '/')
        make_directory(name);
    else if (data)
        input_write(name, data, size);
}

static void write_dropins(const uint8_t *data, const uint8_t *end)
{
    make_directory("acmems.d");
    input_write("acmems.d/README", (const uint8_t *)"[", 1); /* not a drop-in */
    for (unsigned i = 0; i < DROPINS_MAX; i++) {
        const uint8_t *next = data ? memchr(data, '\f', (size_t)(end - data)) : NULL;

        write_dropin(i, data, data ? (size_t)((next ? next : end) - data) : 0);
        data = next ? next + 1 : NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *next = size > 0 ? memchr(data, '\f', size) : NULL;
    char path[PATH_MAX];
    unsigned found = 0, found_again = 0;
    Config *config = NULL, *sound = NULL;
    int r;

    input_write("acmems.ini", data, next ? (size_t)(next - data) : size);
    write_dropins(next ? next + 1 : NULL, data + size);
    (void)snprintf(path, sizeof(path), "%s/acmems.ini", input_place());
    r = config_load(path, on_finding, &found, &config);
    if (r == 0 ? !config : (config || found == 0))
        abort();
    if (config_load_sound(path, on_finding, &found_again, &sound) < 0 || found != found_again)
        abort();
    (void)config_unref(config);
    (void)config_unref(sound);
    return 0;
}
