/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* NULL-terminated arrays of strings; NULL is the empty one. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

char **strv_free(char **l); /* always returns NULL */
size_t strv_length(char *const *l);
bool strv_contains(char *const *l, const char *s);
int strv_extend(char ***l, const char *s); /* appends a copy; 0 or -ENOMEM */
char *
strv_join(char *const *l,
          const char *separator); /* new string, "" for the empty array; NULL: out of memory */
void strv_sort(char **l);         /* by strcmp */

/* Whether both have the same members in any order; both without duplicates. */
bool strv_equal_sets(char *const *a, char *const *b);

DEFINE_CLEANUP_FUNC(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): s is declared here */
#define STRV_FOREACH(s, l) for (char *const *s = (l); s && *s; s++)
