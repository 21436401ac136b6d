/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "generator/unit-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/macro.h"

#define DROP_IN "50-acmems.conf"

/* Characters that would end a word, a quote, or the source path in BindPaths=. */
#define NEEDS_QUOTES " \"'\\:"

int unit_file_open(UnitFile *file, const UnitDirectory *where)
{
    *file = (UnitFile){ .where = where };
    file->stream = open_memstream(&file->text, &file->size);
    if (!file->stream)
        return -ENOMEM;
    (void)fprintf(
        file->stream,
        "# Written by acmems-generator(8) from %s. Change the settings there, not here.\n",
        where->source);
    return 0;
}

void unit_file_done(UnitFile *file)
{
    if (file->stream)
        (void)fclose(file->stream);
    free(file->text);
    *file = (UnitFile){ 0 };
}

static void put_key(UnitFile *file, const char *section, const char *key)
{
    if (!file->section || !streq(file->section, section))
        (void)fprintf(file->stream, "\n[%s]\n", section);
    file->section = section;
    (void)fprintf(file->stream, "%s=", key);
}

static void put_escaped(UnitFile *file, const char *text, bool quoted)
{
    for (; *text; text++) {
        if (*text == '%')
            (void)fputc('%', file->stream);
        else if (quoted && strchr("\"\\", *text))
            (void)fputc('\\', file->stream);
        (void)fputc(*text, file->stream);
    }
}

void unit_file_set(UnitFile *file, const char *section, const char *key, const char *value)
{
    put_key(file, section, key);
    put_escaped(file, value, false);
    (void)fputc('\n', file->stream);
}

void unit_file_add_word(UnitFile *file, const char *section, const char *key, const char *prefix,
                        const char *word)
{
    bool quoted = strpbrk(word, NEEDS_QUOTES);
    const char *quote = quoted ? "\"" : "";

    put_key(file, section, key);
    (void)fprintf(file->stream, "%s%s", quote, prefix);
    put_escaped(file, word, quoted);
    (void)fprintf(file->stream, "%s\n", quote);
}

static int write_file(UnitFile *file, const char *path)
{
    _cleanup_close_ int fd = -EBADF;

    if (fflush(file->stream) != 0 || ferror(file->stream))
        return -ENOMEM;
    fd = openat(file->where->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    return write_all(fd, file->text, file->size, USEC_INFINITY);
}

/* Creates the directory @unit@suffix beside the units. Returns the path of a file in it, or NULL
 * with errno set. */
static char *path_in_directory(const UnitDirectory *where, const char *unit, const char *suffix,
                               const char *name)
{
    _cleanup_free_ char *path = NULL;
    char *slash;

    if (asprintf(&path, "%s%s/%s", unit, suffix, name) < 0) {
        path = NULL;
        errno = ENOMEM;
        return NULL;
    }
    slash = strrchr(path, '/');
    *slash = '\0';
    if (mkdirat(where->fd, path, 0755) < 0 && errno != EEXIST)
        return NULL;
    *slash = '/';
    return TAKE_PTR(path);
}

int unit_file_write_drop_in(UnitFile *file, const char *unit)
{
    _cleanup_free_ char *path = NULL;

    if (!file->section)
        return 0;
    path = path_in_directory(file->where, unit, ".d", DROP_IN);
    return path ? write_file(file, path) : -errno;
}

int unit_file_write_alias(const UnitDirectory *where, const char *alias, const char *unit)
{
    _cleanup_free_ char *target = NULL;

    if (asprintf(&target, UNIT_DIRECTORY "/%s", unit) < 0) {
        target = NULL;
        return -ENOMEM;
    }
    return symlinkat(target, where->fd, alias) < 0 && errno != EEXIST ? -errno : 0;
}

int unit_file_write_unit(UnitFile *file, const char *unit, const char *wanted_by)
{
    _cleanup_free_ char *link = NULL, *target = NULL;
    int r = write_file(file, unit);

    if (r < 0)
        return r;
    link = path_in_directory(file->where, wanted_by, ".wants", unit);
    if (!link)
        return -errno;
    if (asprintf(&target, "../%s", unit) < 0) {
        target = NULL;
        return -ENOMEM;
    }
    return symlinkat(target, file->where->fd, link) < 0 && errno != EEXIST ? -errno : 0;
}
