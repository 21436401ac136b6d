/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* http-01 challenge files (RFC 8555 §8.3): <directory>/<token> contains the key authorization.
 * acmems-http01 links this file, so it needs no library but libc. */

#include <stdbool.h>
#include <stddef.h>

#define CHALLENGE_DIRECTORY_DEFAULT "/run/acmems/challenges/http-01"
#define CHALLENGE_TOKEN_MAX         128U
#define CHALLENGE_SIZE_MAX          1024U

/* Whether a token is [A-Za-z0-9_-]{1,128}. Nothing else becomes a file name. */
bool challenge_token_is_valid(const char *token);

typedef enum ChallengeResult { CHALLENGE_FOUND, CHALLENGE_NOT_FOUND } ChallengeResult;

/* Reads a key authorization. @ret: free(). Returns a ChallengeResult (CHALLENGE_NOT_FOUND also for
 * an invalid token) or -errno. */
int challenge_read(int dir_fd, const char *token, char **ret, size_t *ret_size);

/* Writes a key authorization, mode 0640. The file inherits the group of its directory, which
 * tmpfiles.d creates with set-group-ID. Returns 0; -EINVAL: invalid token; -EFBIG: larger than
 * CHALLENGE_SIZE_MAX; other -errno. */
int challenge_write(int dir_fd, const char *token, const char *key_authorization);

/* Removes a challenge. Returns 0, also if it does not exist; -EINVAL: invalid token; other
 * -errno. */
int challenge_remove(int dir_fd, const char *token);

/* Removes all challenges from a directory, and the temporary files of a crash. Works for
 * tls-alpn-01 too, as those file names have the form of a token. Only for the process that writes
 * to this directory, while no order is in progress. Continues after an error. Returns 0; -errno:
 * files may be left. */
int challenge_sweep(int dir_fd);
