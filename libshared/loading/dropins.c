/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/dropins.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/directory.h"
#include "strings/strv.h"

char *config_dropin_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    int length = (int)(dot && dot != base ? dot - path : (ptrdiff_t)strlen(path));
    char *directory;

    return asprintf(&directory, "%.*s.d", length, path) < 0 ? NULL : directory;
}

static bool is_dropin(const char *name)
{
    size_t length = strlen(name);

    return name[0] != '.' && length > STRLEN(".ini") &&
           streq(name + length - STRLEN(".ini"), ".ini");
}

int config_list_dropins(const char *directory, char ***ret)
{
    _cleanup_closedir_ DIR *listing = NULL;
    _cleanup_strv_ char **files = NULL;
    const char *name;
    size_t n = 0;
    int r = directory_list_at(AT_FDCWD, directory, 0, &listing);

    if (r < 0 && r != -ENOENT)
        return r;
    while (listing && (r = directory_next(listing, &name)) > 0) {
        _cleanup_free_ char *path = NULL;

        if (!is_dropin(name))
            continue;
        if (n++ == CONFIG_DROPINS_MAX)
            return -E2BIG;
        if (asprintf(&path, "%s/%s", directory, name) < 0) {
            path = NULL;
            return -ENOMEM;
        }
        r = strv_extend(&files, path);
        if (r < 0)
            return r;
    }
    if (listing && r < 0)
        return r;
    strv_sort(files);
    *ret = TAKE_PTR(files);
    return 0;
}
