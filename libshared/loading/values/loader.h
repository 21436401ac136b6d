/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the parts of config_load() share, and only they include. load.c reads files and sections,
 * keys.c has the tables of keys, values/ parses their values, check.c checks what was read. */

#include <syslog.h>

#include "config/config.h"

typedef struct Loader Loader;
typedef struct ConfigKey ConfigKey;

/* Parses a value into the block or Config. Returns 0, also if it refused the value; -ENOMEM. */
typedef int ConfigParser(Loader *l, const ConfigKey *key, const char *value, void *object);

struct ConfigKey {
    const char *name;
    const char *alias; /* older name, or NULL */
    bool repeated;
    unsigned types; /* bits: types of blocks with this key; 0: all */
    ConfigParser *parse;
    size_t offset;        /* of the value */
    size_t count;         /* lists: of the number of values */
    size_t names;         /* references: of the tree of blocks in Config */
    unsigned min, max;    /* numbers */
    const char *unit;     /* of a number: "seconds"; NULL: none */
    const char *words[2]; /* the value is one of them */
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
    const char *const *types; /* names of the types of blocks, or NULL */
    size_t n_types;
    /* Named blocks: their size, and where Config keeps them. Size 0: settings of the first block of
     * the list, or of the Config itself if there is no list. */
    size_t block_size;
    size_t list, count, names;
    int (*finish)(Loader *l); /* called at the end of a block; or NULL */
} Section;

/* Values are quoted in messages up to here. */
#define QUOTED     "'%.80s'"
#define QUOTED_MAX 80

#define CONFIG_KEYS_MAX 32 /* of one section */

/* The name of a block in a value, looked up when all files are read. */
typedef struct Reference {
    const void **target;
    size_t names;
    const char *word; /* "verification", "storage", "account" */
    char *name;
    Place place;
    bool is_default; /* of a default-… key in [mgmt] */
} Reference;

typedef struct Finding {
    int level;
    size_t rank; /* of the file */
    Place place;
    char *text;
} Finding;

#define TYPE_MISSING (-1) /* not seen yet */
#define TYPE_UNKNOWN (-2) /* refused: the keys of the block are ignored */

struct Loader {
    const Section *sections; /* SECTION_MAX */
    Config *config;
    bool refused;
    bool unread;     /* a line or a file could not be read */
    bool unlistened; /* a listener was refused */
    Finding *findings;
    size_t n_findings;

    Place here;
    const Section *section; /* NULL: the keys that follow are ignored */
    const char *name;       /* of the block; NULL for settings */
    char title[96];         /* buffer of config_title() */
    void *object;           /* the Config, or the block */
    Place header;           /* of the block */
    int type;               /* of the block */
    bool is_told;           /* the value has a finding: others would repeat it */

    Place opened[SECTION_MAX];                /* first header of each section */
    Place seen[SECTION_MAX][CONFIG_KEYS_MAX]; /* first line with each key */

    Reference *references;
    size_t n_references;
};

/* Notes a finding; LOG_ERR refuses the configuration. Returns 0 or -ENOMEM. */
int config_report(Loader *l, int level, Place place, const char *format, ...) _printf_(4, 5);
#define refuse(l, ...)       config_report((l), LOG_ERR, (l)->here, __VA_ARGS__)
#define warn(l, ...)         config_report((l), LOG_WARNING, (l)->here, __VA_ARGS__)
#define refuse_block(l, ...) config_report((l), LOG_ERR, (l)->header, __VA_ARGS__)
#define warn_block(l, ...)   config_report((l), LOG_WARNING, (l)->header, __VA_ARGS__)

/* "[mgmt]", "[auth "mail"]": the current section, for findings. Formatted on demand, as few blocks
 * have findings. */
const char *config_title(Loader *l);

/* Makes room for one more than the @n members of the array. NULL: out of memory, the array is
 * unchanged. */
void *config_grow(void *array, size_t n, size_t size);

/* The key of this name or alias, "_" being the same as "-"; NULL: none. */
const ConfigKey *config_find_key(const Section *section, const char *name);

/* The address of the value of a key, and of the number of values of a list, in the block or Config.
 */
void *config_target(const ConfigKey *key, void *object);
size_t *config_target_count(const ConfigKey *key, void *object);

/* The first line with this key: in the current block, or in all files for a section without a name.
 */
const Place *config_seen(const Loader *l, SectionId section, const char *key);

/* Adds a new block of this section to the Config. Reports a name that is already defined. Returns 0
 * or -ENOMEM. */
int config_add_block(Loader *l, const Section *section, const char *name, Place place, Block **ret);
