/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/pause-list.h"

#include <stdio.h>

#include "statedir/pause.h"
#include "strings/text.h"
#include "x509/dns-name.h"

static int print_pause(const Pause *pause, void *userdata)
{
    unsigned left = pause_left(pause, time(NULL));
    struct tm tm;
    char until[32];

    (void)userdata;
    if (left == 0 || !gmtime_r(&pause->until, &tm) ||
        strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        return 0;
    text_flatten(pause->what);
    text_flatten(pause->reason);
    printf("until %s (%u s, %u in a row): %s%s%s: %s\n", until, left, pause->count,
           pause_kind_name(pause->kind), *pause->what ? " " : "", pause->what, pause->reason);
    return 0;
}

int pauses_list(const Config *config)
{
    return pause_foreach(config->state_directory, print_pause, NULL);
}

typedef struct Clearing {
    const Config *config;
    const char *name;
    int n;
} Clearing;

/* A whole word of a text whose words have one blank between. */
static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *p = text; (p = strstr(p, word)); p += length)
        if ((p == text || p[-1] == ' ') && (p[length] == '\0' || p[length] == ' '))
            return true;
    return false;
}

static bool concerns(const Pause *pause, const char *name)
{
    const char *base = dns_name_base(name);

    switch (pause->kind) {
    case PAUSE_SERVER:
    case PAUSE_ACCOUNT:
        return false;
    case PAUSE_DOMAIN:
        return streq(base, pause->what) || dns_name_is_below(base, pause->what);
    case PAUSE_NAMES:
        return has_word(pause->what, name);
    case PAUSE_NAME:
        return streq(base, pause->what);
    }
    return false;
}

static int clear_pause(const Pause *pause, void *userdata)
{
    Clearing *clearing = userdata;
    int r;

    if (clearing->name && !concerns(pause, clearing->name))
        return 0;
    r = pause_remove(clearing->config->state_directory, pause->kind, pause->server, pause->what);
    if (r >= 0)
        clearing->n++;
    return r;
}

int pauses_clear(const Config *config, const char *name)
{
    Clearing clearing = { .config = config, .name = name };
    int r = pause_foreach(config->state_directory, clear_pause, &clearing);

    return r < 0 ? r : clearing.n;
}
