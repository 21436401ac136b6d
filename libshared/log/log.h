/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Messages for the administrator: to the journal, or as lines on standard error. Libraries
 * do not log, programs do, once, with what they were doing. */

#include <errno.h>
#include <syslog.h>

#include "base/macro.h"
#include "log/log-event.h"
#include "log/log-fields.h"

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

/* From here on messages go to the journal, or to syslog, whatever standard error is: for what a
 * tool has told its user in words of its own, and others are to find later. */
void log_to_journal(void);

/* Messages less important than @level (LOG_ERR … LOG_DEBUG) are dropped; LOG_INFO at first. */
void log_set_max_level(int level);
int log_get_max_level(void);

/* Names as [logging] level has them: "debug", "info", "warning", "error", "critical", any case.
 * Returns a syslog level or -EINVAL. */
int log_level_from_string(const char *name);

/* All further messages carry these fields, as what they are about: in the journal as fields, and
 * the request id in front of the text elsewhere (at most 63 bytes of it). Borrowed; NULL: none. */
void log_set_context(LogFields *fields);

/* Frees fields that may be the context in force: there is none then. */
void log_context_done(LogFields *fields);

/* Adds to the context in force; does nothing without one. */
void log_context_add(LogField field, const char *value);
void log_context_add_all(LogField field, char *const *values);

static inline void log_context_endp(_unused_ LogFields **fields)
{
    log_set_context(NULL);
}

/* The context until the end of the scope, where there is none any more: fields that are freed in
 * between are not looked at. */
#define LOG_CONTEXT(fields)                                                                        \
    _cleanup_(log_context_endp) _unused_ LogFields *_log_context = (fields);                       \
    log_set_context(_log_context)

/* Logs one line at this level (made fit by text_flatten()); %m stands for the error given
 * (positive or negative errno, 0: none). Returns the negative error, so that "return
 * log_error_errno(r, …)" both says and hands up. */
int log_full(int level, int error, const char *format, ...) _printf_(3, 4);

/* The same for an event of the catalog, which has its level; @fields: more about it, or NULL. An
 * entry has at most LOG_ENTRY_SIZE_MAX bytes: fields of the context that do not fit are left out.
 */
int log_event_full(LogEvent event, int error, const LogFields *fields, const char *format, ...)
    _printf_(4, 5);

#define LOG_ENTRY_SIZE_MAX ((size_t)64 * 1024)

/* What is less than a warning and more than debugging is an event.
 * __extension__: %m is what a pedantic compiler would warn about. */
#define log_debug(...)                ((void)log_full(LOG_DEBUG, 0, __VA_ARGS__))
#define log_error(...)                ((void)log_full(LOG_ERR, 0, __VA_ARGS__))
#define log_warning_errno(error, ...) __extension__(log_full(LOG_WARNING, (error), __VA_ARGS__))
#define log_error_errno(error, ...)   __extension__(log_full(LOG_ERR, (error), __VA_ARGS__))
#define log_event(event, fields, ...) ((void)log_event_full((event), 0, (fields), __VA_ARGS__))
#define log_event_errno(event, error, ...)                                                         \
    __extension__(log_event_full((event), (error), NULL, __VA_ARGS__))
#define log_oom() log_error_errno(ENOMEM, "Out of memory")
