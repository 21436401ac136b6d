/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/strv.h"

char **strv_free(char **l)
{
    STRV_FOREACH (s, l)
        free(*s);
    free(l);
    return NULL;
}

size_t strv_length(char *const *l)
{
    size_t n = 0;

    STRV_FOREACH (s, l)
        n++;
    return n;
}

bool strv_contains(char *const *l, const char *s)
{
    STRV_FOREACH (i, l)
        if (streq(*i, s))
            return true;
    return false;
}

int strv_extend(char ***l, const char *s)
{
    size_t n = strv_length(*l);
    _cleanup_free_ char *copy = strdup(s);
    char **grown;

    if (!copy)
        return -ENOMEM;
    grown = reallocarray(*l, n + 2, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    grown[n] = TAKE_PTR(copy);
    grown[n + 1] = NULL;
    *l = grown;
    return 0;
}

char *strv_join(char *const *l, const char *separator)
{
    size_t size = 1, separator_length = strlen(separator);
    char *joined, *end;

    STRV_FOREACH (s, l)
        size += strlen(*s) + separator_length;
    joined = malloc(size);
    if (!joined)
        return NULL;
    end = joined;
    STRV_FOREACH (s, l) {
        if (s != l)
            end = stpcpy(end, separator);
        end = stpcpy(end, *s);
    }
    *end = '\0';
    return joined;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **l)
{
    if (l)
        qsort(l, strv_length(l), sizeof(*l), compare_strings);
}

bool strv_equal_sets(char *const *a, char *const *b)
{
    if (strv_length(a) != strv_length(b))
        return false;
    STRV_FOREACH (s, a)
        if (!strv_contains(b, *s))
            return false;
    return true;
}
