/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A unit file or drop-in that a generator makes: its text, and how it gets to its place. */

#include <stdbool.h>
#include <stdio.h>

/* Where a generator writes, and what from. */
typedef struct UnitDirectory {
    int fd;
    const char *source; /* path of the configuration */
} UnitDirectory;

typedef struct UnitFile {
    const UnitDirectory *where;
    FILE *stream; /* collects the text */
    char *text;
    size_t size;
    const char *section; /* the one at hand; NULL: nothing is set yet */
} UnitFile;

/* Starts with a comment that says where the file comes from. @where is not copied; @file stays
 * where it is, as the stream points into it. 0 or -ENOMEM. */
int unit_file_open(UnitFile *file, const UnitDirectory *where);
void unit_file_done(UnitFile *file);

/**
 * unit_file_set() - KEY=VALUE
 * @section: "Socket"; not copied; its header is written where it differs from the one before
 * @value: stands as it is but for %, which is doubled (systemd.unit(5), "Specifiers"); what has
 *         control characters or a backslash at its end cannot be said, see path_is_usable()
 *
 * An error comes out when the file is written.
 */
void unit_file_set(UnitFile *file, const char *section, const char *key, const char *value);

/* The same for a setting that is a list of words: @prefix and @word together are one, quoted as in
 * systemd.syntax(7), "Quoting". */
void unit_file_add_word(UnitFile *file, const char *section, const char *key, const char *prefix,
                        const char *word);

/* Writes @unit.d/50-acmems.conf; nothing where nothing is set. May be called for several units. 0
 * or -errno. */
int unit_file_write_drop_in(UnitFile *file, const char *unit);

/* Writes a unit of its own, which is started with @wanted_by. 0 or -errno. */
int unit_file_write_unit(UnitFile *file, const char *unit, const char *wanted_by);
