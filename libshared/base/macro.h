/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Basic macros: ownership bound to a scope, visible transfer of ownership. */

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))
#define _warn_unused_  __attribute__((warn_unused_result))

#define ELEMENTSOF(x)   (sizeof(x) / sizeof((x)[0]))
#define STRLEN(literal) (sizeof("" literal "") - 1)

/* Moves ownership out of a cleanup variable, which becomes empty. */
#define TAKE_PTR(ptr)                                                                              \
    __extension__({                                                                                \
        __typeof__(ptr) *_p = &(ptr);                                                              \
        __typeof__(ptr) _v = *_p;                                                                  \
        *_p = NULL;                                                                                \
        _v;                                                                                        \
    })

#define TAKE_FD(fd)                                                                                \
    __extension__({                                                                                \
        int *_p = &(fd);                                                                           \
        int _v = *_p;                                                                              \
        *_p = -EBADF;                                                                              \
        _v;                                                                                        \
    })

/* Defines func##p() for _cleanup_(): frees the object that the variable points to, unless it is
 * NULL. */
#define DEFINE_CLEANUP_FUNC(type, func)                                                            \
    _unused_ static inline void func##p(type *p)                                                   \
    {                                                                                              \
        if (*p)                                                                                    \
            func(*p);                                                                              \
    }

static inline void freep(void *p)
{
    free(*(void **)p);
}

/* Closes, keeps errno, and returns -EBADF for fd = safe_close(fd). */
static inline int safe_close(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
    }
    return -EBADF;
}

static inline void closep(int *fd)
{
    safe_close(*fd);
}

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

static inline bool streq(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static inline bool strcaseeq(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static inline const char *str_or(const char *s, const char *otherwise)
{
    return s ? s : otherwise;
}
