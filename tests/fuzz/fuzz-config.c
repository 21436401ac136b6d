/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmems.ini, as each program and as acmems-generator read it. */

#include "config/config.h"

#include <limits.h>
#include <string.h>

#include "input-file.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[PATH_MAX];
    unsigned found = 0, found_again = 0;
    Config *config = NULL, *sound = NULL;
    int r;

    input_write("acmems.ini", data, size);
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
