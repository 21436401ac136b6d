/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* http-01 challenge files (RFC 8555 §8.3): <directory>/<token>, content: the key authorization.
 * Needs libc alone: the http01 handler links it. */

#include <stdbool.h>
#include <stddef.h>

#define CHALLENGE_DIRECTORY_DEFAULT "/run/acmems/challenges/http-01"
#define CHALLENGE_TOKEN_MAX         128U
#define CHALLENGE_SIZE_MAX          1024U

/* [A-Za-z0-9_-]{1,128}: nothing else ever becomes a file name. */
bool challenge_token_is_valid(const char *token);

typedef enum ChallengeResult { CHALLENGE_FOUND, CHALLENGE_NOT_FOUND } ChallengeResult;

/* Reads a key authorization; free(). An invalid token is CHALLENGE_NOT_FOUND. A ChallengeResult or
 * -errno. */
int challenge_read(int dir_fd, const char *token, char **ret, size_t *ret_size);

/* 0 or -errno; -EINVAL for an invalid token. Mode 0640; the group is the directory's where that is
 * set-group-ID, as tmpfiles.d makes it. */
int challenge_write(int dir_fd, const char *token, const char *key_authorization);
int challenge_remove(int dir_fd, const char *token); /* 0 also when it is not there */

/* Removes all files of challenges from a directory, of whatever type (all have names that could be
 * tokens), and what a crash left of them. For the one process that writes there, while no order is
 * in progress. 0; -errno when something may be left: what can be removed is removed. */
int challenge_sweep(int dir_fd);
