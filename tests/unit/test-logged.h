/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Catches standard error in a file, and counts what was logged there. */

#include <fcntl.h>

#include "log/log.h"
#include "test.h"

#define LOGGED_FILE "log"

static int real_stderr;

/* A failed assertion is in the file, too: shows it at the end. */
static inline void logged_show(void)
{
    char text[4096];
    _cleanup_close_ int fd = open(LOGGED_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text));

    if (n > 0)
        (void)!write(real_stderr, text, (size_t)n);
}

/* From here on, until logged_close(). */
static inline void logged_open(const char *program)
{
    _cleanup_close_ int fd = -EBADF;

    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ASSERT_OK(atexit(logged_show));
    fd = open(LOGGED_FILE, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_TRUE(dup2(fd, STDERR_FILENO) >= 0);
    log_open(program);
}

static inline void logged_close(void)
{
    ASSERT_TRUE(dup2(real_stderr, STDERR_FILENO) >= 0);
    ASSERT_OK(unlink(LOGGED_FILE));
}

/* Counts how often the text was logged since the last call. */
static inline unsigned logged(const char *what)
{
    static char text[65536];
    _cleanup_close_ int fd = open(LOGGED_FILE, O_RDWR | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    unsigned count = 0;

    ASSERT_TRUE(n >= 0);
    text[n] = '\0';
    for (const char *at = text; (at = strstr(at, what)); at++)
        count++;
    ASSERT_OK(ftruncate(fd, 0));
    return count;
}
