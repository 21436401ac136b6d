/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the parts of config_load() share, and only they include. load.c reads files and sections,
 * keys.c has the tables of keys, check.c checks what was read. */

#include "config/config.h"

typedef struct Loader Loader;
typedef struct ConfigKey ConfigKey;

typedef struct Place {
    const char *file; /* one of config->files; NULL: nowhere */
    unsigned line;
} Place;

struct ConfigKey {
    const char *name;
    const char *alias; /* older name, or NULL */
    bool repeated;
    unsigned types; /* bits: block types that have this key; 0: all */
    /* Reads a value into the block or Config. 0, also when it was refused; -ENOMEM. */
    int (*parse)(Loader *l, const ConfigKey *key, const char *value, void *object);
    size_t offset;     /* of the value */
    size_t count;      /* lists: of their number */
    size_t names;      /* references: of the tree in Config */
    unsigned min, max; /* numbers */
};

typedef enum SectionId {
    SECTION_ACCOUNT,
    SECTION_NAMED_ACCOUNT,
    SECTION_STATE,
    SECTION_MGMT,
    SECTION_LOGGING,
    SECTION_SETUP,
    SECTION_VERIFICATION,
    SECTION_STORAGE,
    SECTION_AUTH,
    SECTION_MAX,
} SectionId;

typedef struct Section {
    const char *word;
    const ConfigKey *keys; /* NULL: the section is ignored */
    size_t n_keys;
    int unknown_key;          /* LOG_ERR or LOG_WARNING */
    const char *const *types; /* names of the block's types, or NULL */
    size_t n_types;
    /* Named blocks, where in Config they are kept. 0: settings, of the first block of the list, or
     * without a list of the Config itself. */
    size_t block_size;
    size_t list, count, names;
    int (*finish)(Loader *l); /* when a block was read whole, or NULL */
} Section;

/* Values are quoted in messages up to here. */
#define QUOTED     "'%.80s'"
#define QUOTED_MAX 80

#define CONFIG_KEYS_MAX 16

/* A name that stands for a block, looked up when all is read. */
typedef struct Reference {
    const void **target;
    size_t names;
    const char *word; /* "verification", "storage", "account" */
    char *name;
    Place place;
    bool is_default; /* stands in [mgmt] */
} Reference;

typedef struct Finding {
    int level;
    size_t rank; /* of the file */
    Place place;
    char *text;
} Finding;

#define TYPE_MISSING (-1) /* not seen yet */
#define TYPE_UNKNOWN (-2) /* refused: the block's keys are passed over */

struct Loader {
    const Section *sections; /* SECTION_MAX */
    Config *config;
    bool refused;
    bool unread;     /* there is a line or a file of which nobody knows what it says */
    bool unlistened; /* a listener was refused */
    Finding *findings;
    size_t n_findings;

    Place here;
    const Section *section; /* NULL: what comes is ignored */
    const char *name;       /* of the block; NULL for settings */
    char title[96];         /* buffer of config_title() */
    void *object;           /* the Config, or the block */
    Place header;           /* of the block */
    int type;               /* of the block */

    Place opened[SECTION_MAX];                /* first header of each section */
    Place seen[SECTION_MAX][CONFIG_KEYS_MAX]; /* first line with each key */

    Reference *references;
    size_t n_references;
};

/* Notes a finding; LOG_ERR refuses the config. 0 or -ENOMEM. */
int config_report(Loader *l, int level, Place place, const char *format, ...) _printf_(4, 5);
#define refuse(l, ...)       config_report((l), LOG_ERR, (l)->here, __VA_ARGS__)
#define warn(l, ...)         config_report((l), LOG_WARNING, (l)->here, __VA_ARGS__)
#define refuse_block(l, ...) config_report((l), LOG_ERR, (l)->header, __VA_ARGS__)
#define warn_block(l, ...)   config_report((l), LOG_WARNING, (l)->header, __VA_ARGS__)

/* "[mgmt]", "[auth "mail"]": the section at hand, for findings. Made when asked for, as few blocks
 * have any. */
const char *config_title(Loader *l);

/* The array, with room for one more than the @n it has; NULL: no memory, it stays as it was. */
void *config_grow(void *array, size_t n, size_t size);

/* The key of this name or alias, "_" being the same as "-"; NULL: none. */
const ConfigKey *config_find_key(const Section *section, const char *name);

/* Where the value of a key, and the number of values of a list, stand in the block or Config. */
void *config_target(const ConfigKey *key, void *object);
size_t *config_target_count(const ConfigKey *key, void *object);

/* First line with this key: in the block at hand, or ever for a section without a name. */
const Place *config_seen(const Loader *l, SectionId section, const char *key);

/* A new block of this section, kept in the Config and known by its name. 0 or -ENOMEM. */
int config_add_block(Loader *l, const Section *section, const char *name, Place place, Block **ret);
