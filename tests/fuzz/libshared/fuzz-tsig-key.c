/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A key file, and the same bytes as a key in acmems.ini. */

#include "config/tsig-key.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int r, const char *why, TsigKey *key)
{
    if (r < 0 ? key || !*why : !key->algorithm->wire || !*key->name || !*key->secret)
        abort();
    tsig_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[TSIG_WHY_SIZE] = "", *text = strndup((const char *)data, size);
    TsigKey *key = NULL;
    int r = tsig_key_parse_file((const char *)data, size, why, &key);

    check(r, why, key);
    key = NULL;
    why[0] = '\0';
    r = text ? tsig_key_parse(text, why, &key) : 0;
    if (text)
        check(r, why, key);
    free(text);
    return 0;
}
