/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The rate limit behind a "rateLimited" problem of the CA (RFC 8555 §6.6). The problem's type does
 * not name it, so it is read from the text. */

#include "statedir/pause.h"

/**
 * rate_limit_scope() - find what a rate limit applies to
 * @said: the result of problem_describe(), or a text that contains it
 * @names: of the order
 * @ret_names: for PAUSE_DOMAIN and PAUSE_NAME the names that the text quotes, never empty; else
 * NULL. Only names of the order (without "*.") and their parent domains are accepted. The caller
 * releases it with strv_free()
 *
 * A text that names no known limit applies to this set of names. Returns a PauseKind, or -ENOMEM.
 */
int rate_limit_scope(const char *said, char *const *names, char ***ret_names);

/* Seconds until the time in a text like "retry after 2026-12-01 04:00:00 UTC", at most PAUSE_MAX;
 * 0: the text names none, or the time is past. */
unsigned rate_limit_left(const char *said, time_t now);
