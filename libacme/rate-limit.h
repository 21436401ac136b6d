/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Which limit it is that a "rateLimited" of the CA (RFC 8555 §6.6) is about: the problem's type
 * does not tell, its text does. */

#include "statedir/pause.h"

/**
 * rate_limit_scope() - read what the CA said
 * @said: problem_describe(), or a text that has it in it
 * @names: of the order
 * @ret_names: with PAUSE_DOMAIN and PAUSE_NAME those that the text quotes, never empty; else NULL.
 *             Of what is quoted only names of the order ("*." is not part of them) and parents of
 *             them are believed. strv_free()
 *
 * What does not tell is about this set of names. A PauseKind; -ENOMEM.
 */
int rate_limit_scope(const char *said, char *const *names, char ***ret_names);

/* Seconds until the time in a text that has "retry after 2026-12-01 04:00:00 UTC" in it; 0: it has
 * none, or it is past; at most PAUSE_MAX. */
unsigned rate_limit_left(const char *said, time_t now);
