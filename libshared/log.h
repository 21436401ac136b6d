/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Messages for the administrator: to the journal, or as lines on standard error. Libraries
 * do not log, programs do, once, with what they were doing. */

#include <errno.h>
#include <syslog.h>

#include "macro.h"

/**
 * log_open() - choose where messages go
 * @program: short name of the program, "acmems-sign"; not copied
 *
 * Standard error when it is a terminal, a pipe or a file; the journal's native socket when
 * systemd connected standard error to it (JOURNAL_STREAM) or when standard error is a socket
 * (classic inetd gives the client's connection there: nothing may ever be printed on it); syslog
 * when the journal's socket is not there.
 */
void log_open(const char *program);

/* The same for a program that systemd runs before anything else, with /dev/null for standard error:
 * the kernel's log then, which takes lines at any time; the journal where there is none, as in a
 * container. systemd.generator(7) */
void log_open_early(const char *program);

/* Messages less important than @level (LOG_ERR … LOG_DEBUG) are dropped; LOG_INFO at first. */
void log_set_max_level(int level);
int log_get_max_level(void);

/* Names as [logging] level has them: "debug", "info", "warning", "error", "critical", any case.
 * Returns a syslog level or -EINVAL. */
int log_level_from_string(const char *name);

/* All further messages of this process carry this request id (copied, at most 63 bytes), as the
 * field ACMEMS_REQUEST_ID in the journal and in front of the text elsewhere. NULL: none. */
void log_set_request(const char *id);

/* Logs one line at this level (control characters become blanks); %m stands for the error given
 * (positive or negative errno, 0: none). Returns the negative error, so that "return
 * log_error_errno(r, …)" both says and hands up. */
int log_full(int level, int error, const char *format, ...) _printf_(3, 4);

/* __extension__: %m is what a pedantic compiler would warn about. */
#define log_debug(...)                ((void)log_full(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...)                 ((void)log_full(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...)               ((void)log_full(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...)              ((void)log_full(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...)                ((void)log_full(LOG_ERR, 0, __VA_ARGS__))
#define log_warning_errno(error, ...) __extension__(log_full(LOG_WARNING, (error), __VA_ARGS__))
#define log_error_errno(error, ...)   __extension__(log_full(LOG_ERR, (error), __VA_ARGS__))
#define log_oom()                     log_error_errno(ENOMEM, "Out of memory")
