/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A unit file or drop-in that a generator writes. */

#include <stdbool.h>
#include <stdio.h>

/* The directory that a generator writes to. */
typedef struct UnitDirectory {
    int fd;
    const char *source; /* path of the configuration, named in each file */
} UnitDirectory;

typedef struct UnitFile {
    const UnitDirectory *where;
    FILE *stream; /* collects the text */
    char *text;
    size_t size;
    const char *section; /* current section; NULL: nothing is set yet */
} UnitFile;

/* Begin a file with a comment that names its source. @where is borrowed until unit_file_done(); do
 * not move @file, the stream points into it. Returns 0 or -ENOMEM. */
int unit_file_open(UnitFile *file, const UnitDirectory *where);
void unit_file_done(UnitFile *file);

/**
 * unit_file_set() - append KEY=VALUE
 * @section: "Socket"; borrowed; its header is written if it differs from the previous one
 * @value: written as it is, except that % is doubled (systemd.unit(5), "Specifiers"); control
 *         characters and a backslash at the end cannot be expressed, see path_is_usable()
 *
 * Errors are reported when the file is written.
 */
void unit_file_set(UnitFile *file, const char *section, const char *key, const char *value);

/* Append a setting whose value is a list of words. @prefix and @word form one word, quoted as in
 * systemd.syntax(7), "Quoting". */
void unit_file_add_word(UnitFile *file, const char *section, const char *key, const char *prefix,
                        const char *word);

/* Write @unit.d/50-acmems.conf, unless nothing is set. Can be called for several units. Returns 0
 * or -errno. */
int unit_file_write_drop_in(UnitFile *file, const char *unit);

/* Make @alias another name of @unit, which is installed with acmems. Returns 0 or -errno. */
int unit_file_write_alias(const UnitDirectory *where, const char *alias, const char *unit);

/* Write a complete unit that starts together with @wanted_by. Returns 0 or -errno. */
int unit_file_write_unit(UnitFile *file, const char *unit, const char *wanted_by);
