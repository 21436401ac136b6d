/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/credential.h"

#include <stdio.h>

#include "base/macro.h"

/* Whether there is a credential of this name; sets @buf to its path. */
static bool credential_find(const char *directory, const char *name, char buf[PATH_MAX])
{
    int n = directory ? snprintf(buf, PATH_MAX, "%s/%s", directory, name) : -1;

    return n > 0 && n < PATH_MAX && access(buf, F_OK) == 0;
}

const char *credential_directory(const char *name)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    return credential_find(directory, name, path) ? directory : NULL;
}

const char *credential_path(const char *name, const char *otherwise, char buf[PATH_MAX])
{
    return credential_find(getenv("CREDENTIALS_DIRECTORY"), name, buf) ? buf : otherwise;
}
