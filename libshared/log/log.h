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
 * log_open() - choose the target of messages
 * @program: short name of the program, "acmems-sign"; not copied
 *
 * Standard error if it is a terminal, a pipe or a file. The native socket of the journal if systemd
 * connected standard error to the journal (JOURNAL_STREAM), or if standard error is a socket:
 * classic inetd connects it to the client, which must never get messages. Syslog if the socket of
 * the journal is missing.
 */
void log_open(const char *program);

/* The same for a program that systemd runs before other programs, with /dev/null as standard error
 * (systemd.generator(7)): the kernel log, which accepts lines at any time, or the journal if there
 * is no kernel log, as in a container. */
void log_open_early(const char *program);

/* Sends further messages to the journal, or to syslog, whatever standard error is: for events that
 * a tool reports to its user itself, and others look up later. */
void log_to_journal(void);

/* Drops messages less important than @level (LOG_ERR … LOG_DEBUG); LOG_INFO at first. */
void log_set_max_level(int level);
int log_get_max_level(void);

/* Parses the names of [logging] level: "debug", "info", "warning", "error", "critical", any case.
 * Returns a syslog level or -EINVAL. */
int log_level_from_string(const char *name);

/* Adds these fields to all further messages: as fields in the journal; elsewhere, only the request
 * id before the text (at most 63 bytes). Borrowed; NULL: none. */
void log_set_context(LogFields *fields);

/* Frees fields; if they are the current context, there is none afterwards. */
void log_context_done(LogFields *fields);

/* Adds to the current context; does nothing without one. */
void log_context_add(LogField field, const char *value);
void log_context_add_all(LogField field, char *const *values);

static inline void log_context_endp(_unused_ LogFields **fields)
{
    log_set_context(NULL);
}

/* Sets the context until the end of the scope, and none then, so that freed fields are not used. */
#define LOG_CONTEXT(fields)                                                                        \
    _cleanup_(log_context_endp) _unused_ LogFields *_log_context = (fields);                       \
    log_set_context(_log_context)

/* Logs one line at this level, made safe by text_flatten(). %m is the given error (positive or
 * negative errno, 0: none). Returns the negative error, for "return log_error_errno(r, …)". */
int log_full(int level, int error, const char *format, ...) _printf_(3, 4);

/* The same for an event of the catalog, which has its own level. @fields: fields of this entry, or
 * NULL. An entry has at most LOG_ENTRY_SIZE_MAX bytes; fields of the context that do not fit are
 * left out.
 */
int log_event_full(LogEvent event, int error, const LogFields *fields, const char *format, ...)
    _printf_(4, 5);

/* Limits the entries of repeated events (log_event_is_repeated()) of this process and of those that
 * it forks from now on: one in 10 s, which tells how many it stands for. Returns 0 or -ENOMEM. */
int log_limit_repeated(void);

#define LOG_ENTRY_SIZE_MAX ((size_t)64 * 1024)

/* Messages between warning and debug are events. __extension__: a pedantic compiler would warn
 * about %m. */
#define log_debug(...)                ((void)log_full(LOG_DEBUG, 0, __VA_ARGS__))
#define log_error(...)                ((void)log_full(LOG_ERR, 0, __VA_ARGS__))
#define log_warning(...)              ((void)log_full(LOG_WARNING, 0, __VA_ARGS__))
#define log_warning_errno(error, ...) __extension__(log_full(LOG_WARNING, (error), __VA_ARGS__))
#define log_error_errno(error, ...)   __extension__(log_full(LOG_ERR, (error), __VA_ARGS__))
#define log_event(event, fields, ...) ((void)log_event_full((event), 0, (fields), __VA_ARGS__))
#define log_event_errno(event, error, ...)                                                         \
    __extension__(log_event_full((event), (error), NULL, __VA_ARGS__))
#define log_oom() log_error_errno(ENOMEM, "Out of memory")
