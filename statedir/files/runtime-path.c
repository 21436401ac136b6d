/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/files/runtime-path.h"

#include <stdio.h>

#include "base/macro.h"

static char *join(const char *directory, const char *name)
{
    char *path;

    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

char *runtime_socket_path(const char *runtime_directory)
{
    return join(runtime_directory, "orderd.sock");
}

char *runtime_challenges_path(const char *runtime_directory)
{
    return join(runtime_directory, "challenges");
}

char *runtime_challenge_path(const char *runtime_directory, const char *kind)
{
    _cleanup_free_ char *challenges = runtime_challenges_path(runtime_directory);

    return challenges ? join(challenges, kind) : NULL;
}
