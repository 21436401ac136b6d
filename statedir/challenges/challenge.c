/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/challenges/challenge.h"

#include "base/directory.h"
#include "base/io.h"
#include "base/macro.h"
#include "statedir/files/atomic-file.h"

bool challenge_token_is_valid(const char *token)
{
    size_t length = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_-");

    return length > 0 && length <= CHALLENGE_TOKEN_MAX && token[length] == '\0';
}

int challenge_read(int dir_fd, const char *token, char **ret, size_t *ret_size)
{
    int r;

    if (!challenge_token_is_valid(token))
        return CHALLENGE_NOT_FOUND;
    r = read_file_at(dir_fd, token, CHALLENGE_SIZE_MAX, ret, ret_size);
    if (r == -ENOENT)
        return CHALLENGE_NOT_FOUND;
    return r < 0 ? r : CHALLENGE_FOUND;
}

int challenge_write(int dir_fd, const char *token, const char *key_authorization)
{
    size_t size = strlen(key_authorization);

    if (!challenge_token_is_valid(token))
        return -EINVAL;
    if (size > CHALLENGE_SIZE_MAX)
        return -EFBIG;
    return atomic_replace_at(dir_fd, token, key_authorization, size, 0640);
}

int challenge_remove(int dir_fd, const char *token)
{
    if (!challenge_token_is_valid(token))
        return -EINVAL;
    return unlinkat(dir_fd, token, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int challenge_sweep(int dir_fd)
{
    _cleanup_closedir_ DIR *directory = NULL;
    const char *name;
    int r = atomic_clean_at(dir_fd), left = r < 0 ? r : 0;

    r = directory_list_at(dir_fd, ".", 0, &directory);
    if (r < 0)
        return r;
    while ((r = directory_next(directory, &name)) > 0) {
        r = challenge_token_is_valid(name) ? challenge_remove(dir_fd, name) : 0;
        if (r < 0)
            left = r;
    }
    return r < 0 ? r : left;
}
