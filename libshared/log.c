/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The place of a message in the source would always be this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "text.h"

#define JOURNAL_SOCKET   "/run/systemd/journal/socket"
#define MESSAGE_SIZE_MAX 8192

typedef enum LogTarget { TARGET_STDERR, TARGET_JOURNAL, TARGET_SYSLOG } LogTarget;

static LogTarget target = TARGET_STDERR;
static const char *program_name = "acmems";
static int max_level = LOG_INFO;
static char request_id[64];

/* JOURNAL_STREAM is "device:inode" of the stream that systemd connected (systemd.exec(5)); it is
 * inherited, so that it must be compared. */
static bool is_journal_stream(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char expected[64];

    (void)snprintf(expected, sizeof(expected), "%ju:%ju", (uintmax_t)st->st_dev,
                   (uintmax_t)st->st_ino);
    return stream && streq(stream, expected);
}

void log_open(const char *program)
{
    struct stat st;

    program_name = program;
    if (fstat(STDERR_FILENO, &st) == 0 && !S_ISSOCK(st.st_mode) && !is_journal_stream(&st))
        target = TARGET_STDERR;
    else if (access(JOURNAL_SOCKET, W_OK) == 0)
        target = TARGET_JOURNAL;
    else {
        target = TARGET_SYSLOG;
        openlog(program, LOG_PID | LOG_NDELAY, LOG_DAEMON);
    }
}

void log_set_max_level(int level)
{
    max_level = level;
}

int log_get_max_level(void)
{
    return max_level;
}

int log_level_from_string(const char *name)
{
    static const struct {
        const char *name;
        int level;
    } levels[] = {
        { "debug", LOG_DEBUG }, { "info", LOG_INFO },     { "warning", LOG_WARNING },
        { "error", LOG_ERR },   { "critical", LOG_CRIT },
    };

    for (size_t i = 0; i < ELEMENTSOF(levels); i++)
        if (strcasecmp(levels[i].name, name) == 0)
            return levels[i].level;
    return -EINVAL;
}

void log_set_request(const char *id)
{
    (void)snprintf(request_id, sizeof(request_id), "%s", id ? id : "");
}

static struct iovec piece(const char *text)
{
    return (struct iovec){ .iov_base = (void *)text, .iov_len = strlen(text) };
}

/* One writev: lines of several processes do not mix. */
static void send_to_stderr(const char *message)
{
    bool has_request = request_id[0] != '\0';
    const struct iovec line[] = {
        piece(program_name), piece(has_request ? ": request " : ""),
        piece(request_id),   piece(": "),
        piece(message),      piece("\n"),
    };

    if (writev(STDERR_FILENO, line, ELEMENTSOF(line)) < 0)
        return; /* there is nowhere left to say so */
}

static void send_to_journal(int level, const char *message)
{
    char text[MESSAGE_SIZE_MAX + 16], priority[32], identifier[64], request[96];
    struct iovec fields[4];
    size_t n = 0;

    (void)snprintf(text, sizeof(text), "MESSAGE=%s", message);
    (void)snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
    (void)snprintf(identifier, sizeof(identifier), "SYSLOG_IDENTIFIER=%s", program_name);
    (void)snprintf(request, sizeof(request), "ACMEMS_REQUEST_ID=%s", request_id);
    fields[n++] = piece(text);
    fields[n++] = piece(priority);
    fields[n++] = piece(identifier);
    if (request_id[0] != '\0')
        fields[n++] = piece(request);
    (void)sd_journal_sendv(fields, (int)n);
}

static void send_to_syslog(int level, const char *message)
{
    if (request_id[0] != '\0')
        syslog(level, "request %s: %s", request_id, message);
    else
        syslog(level, "%s", message);
}

int log_full(int level, int error, const char *format, ...)
{
    char message[MESSAGE_SIZE_MAX];
    int saved = errno;
    va_list arguments;

    if (level > max_level)
        return -abs(error);
    errno = abs(error);
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    /* What comes from outside must not look like a line of its own, nor command the terminal. */
    text_flatten(message);
    switch (target) {
    case TARGET_STDERR:
        send_to_stderr(message);
        break;
    case TARGET_JOURNAL:
        send_to_journal(level, message);
        break;
    case TARGET_SYSLOG:
        send_to_syslog(level, message);
        break;
    }
    errno = saved;
    return -abs(error);
}
