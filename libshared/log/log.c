/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The location of a message would always be this file. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include "log/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "log/log-throttle.h"
#include "strings/strv.h"
#include "strings/text.h"

#define JOURNAL_SOCKET   "/run/systemd/journal/socket"
#define MESSAGE_SIZE_MAX 8192
#define KERNEL_LOG       "/dev/kmsg"
#define KERNEL_LINE_MAX  960 /* the kernel accepts little more */
#define REQUEST_ID_MAX   63U
/* Fields of the entry and of the context, and those of every entry. */
#define ENTRY_FIELDS_MAX (2 * LOG_FIELDS_MAX + 5)

/* One entry of a repeated event in this time. */
#define REPEATED_INTERVAL (10 * USEC_PER_SEC)

/* A message for a target. */
typedef struct Entry {
    int level;
    const LogEventInfo *event; /* or NULL */
    const LogFields *fields;   /* or NULL */
    const char *message;
} Entry;

typedef enum LogTarget { TARGET_STDERR, TARGET_JOURNAL, TARGET_SYSLOG, TARGET_KERNEL } LogTarget;

static LogTarget target = TARGET_STDERR;
static const char *program_name = "acmems";
static int kernel_fd = -EBADF;
static int max_level = LOG_INFO;
static LogFields *context;
static LogThrottle **throttles; /* of repeated events, by event; NULL: there is no limit */

/* JOURNAL_STREAM is "device:inode" of the stream that systemd connected (systemd.exec(5)); it is
 * inherited, so it must be compared. */
static bool is_journal_stream(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char expected[64];

    (void)snprintf(expected, sizeof(expected), "%ju:%ju", (uintmax_t)st->st_dev,
                   (uintmax_t)st->st_ino);
    return stream && streq(stream, expected);
}

void log_to_journal(void)
{
    if (access(JOURNAL_SOCKET, W_OK) == 0)
        target = TARGET_JOURNAL;
    else {
        target = TARGET_SYSLOG;
        openlog(program_name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
    }
}

void log_open(const char *program)
{
    struct stat st;

    program_name = program;
    if (fstat(STDERR_FILENO, &st) == 0 && !S_ISSOCK(st.st_mode) && !is_journal_stream(&st))
        target = TARGET_STDERR;
    else
        log_to_journal();
}

static bool is_null_device(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == null.st_rdev;
}

void log_open_early(const char *program)
{
    log_open(program);
    if (!is_null_device(STDERR_FILENO))
        return;
    kernel_fd = open(KERNEL_LOG, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    target = kernel_fd >= 0 ? TARGET_KERNEL : TARGET_JOURNAL;
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

void log_set_context(LogFields *fields)
{
    context = fields;
}

void log_context_done(LogFields *fields)
{
    if (context == fields)
        context = NULL;
    log_fields_done(fields);
}

void log_context_add(LogField field, const char *value)
{
    if (context)
        log_fields_add(context, field, value);
}

void log_context_add_all(LogField field, char *const *values)
{
    if (context)
        log_fields_add_all(context, field, values);
}

static const char *request_id(void)
{
    return str_or(context ? log_fields_get(context, LOG_FIELD_REQUEST_ID) : NULL, "");
}

static struct iovec piece(const char *text)
{
    return (struct iovec){ .iov_base = (void *)text, .iov_len = strlen(text) };
}

/* One writev(), so that lines of several processes do not mix. */
static void send_to_stderr(const Entry *entry)
{
    const char *id = request_id();
    struct iovec line[] = {
        piece(program_name), piece(*id ? ": request " : ""), piece(id),
        piece(": "),         piece(entry->message),          piece("\n"),
    };

    if (line[2].iov_len > REQUEST_ID_MAX)
        line[2].iov_len = REQUEST_ID_MAX;
    if (writev(STDERR_FILENO, line, ELEMENTSOF(line)) < 0)
        return; /* there is no other target to report it */
}

typedef struct Pieces {
    struct iovec pieces[ENTRY_FIELDS_MAX];
    size_t n, size;
} Pieces;

static void add_piece(Pieces *p, const char *line)
{
    struct iovec new = piece(line);

    if (p->n == ENTRY_FIELDS_MAX || new.iov_len > LOG_ENTRY_SIZE_MAX - p->size)
        return;
    p->pieces[p->n++] = new;
    p->size += new.iov_len;
}

static void add_fields(Pieces *p, const LogFields *fields)
{
    if (fields)
        STRV_FOREACH (line, fields->lines)
            add_piece(p, *line);
}

static void send_to_journal(const Entry *entry)
{
    char text[MESSAGE_SIZE_MAX + 16], priority[32], identifier[64], message_id[64];
    _cleanup_log_fields_ LogFields decision = { 0 };
    Pieces p;

    p.n = p.size = 0;
    (void)snprintf(text, sizeof(text), "MESSAGE=%s", entry->message);
    (void)snprintf(priority, sizeof(priority), "PRIORITY=%d", entry->level);
    (void)snprintf(identifier, sizeof(identifier), "SYSLOG_IDENTIFIER=%s", program_name);
    add_piece(&p, text);
    add_piece(&p, priority);
    add_piece(&p, identifier);
    if (entry->event) {
        (void)snprintf(message_id, sizeof(message_id), "MESSAGE_ID=%s", entry->event->message_id);
        add_piece(&p, message_id);
        log_fields_add(&decision, LOG_FIELD_DECISION, entry->event->decision);
        add_fields(&p, &decision);
    }
    add_fields(&p, entry->fields);
    add_fields(&p, context);
    (void)sd_journal_sendv(p.pieces, (int)p.n);
}

static void send_to_syslog(const Entry *entry)
{
    const char *id = request_id();

    syslog(entry->level, "%s%.*s%s%s", *id ? "request " : "", (int)REQUEST_ID_MAX, id,
           *id ? ": " : "", entry->message);
}

/* One write is one record. The journal takes identifier and level from it. */
static void send_to_kernel(const Entry *entry)
{
    char line[KERNEL_LINE_MAX];

    (void)snprintf(line, sizeof(line), "<%d>%s[%d]: %.*s", entry->level, program_name,
                   (int)getpid(), KERNEL_LINE_MAX - 64, entry->message);
    if (write(kernel_fd, line, strlen(line)) < 0)
        return; /* there is no other target to report it */
}

static void send_entry(int level, const LogEventInfo *event, int error, const LogFields *fields,
                       const char *format, va_list arguments)
{
    static void (*const targets[])(const Entry *entry) = {
        [TARGET_STDERR] = send_to_stderr,
        [TARGET_JOURNAL] = send_to_journal,
        [TARGET_SYSLOG] = send_to_syslog,
        [TARGET_KERNEL] = send_to_kernel,
    };
    char message[MESSAGE_SIZE_MAX];
    int saved = errno;

    if (level > max_level)
        return;
    errno = abs(error);
    (void)vsnprintf(message, sizeof(message), format, arguments);
    /* Text from outside must not look like a separate line, or control the terminal. */
    text_flatten(message);
    targets[target](
        &(Entry){ .level = level, .event = event, .fields = fields, .message = message });
    errno = saved;
}

int log_full(int level, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    send_entry(level, NULL, error, NULL, format, arguments);
    va_end(arguments);
    return -abs(error);
}

int log_limit_repeated(void)
{
    LogThrottle **list = calloc(log_event_count(), sizeof(LogThrottle *));
    int r = list ? 0 : -ENOMEM;

    for (size_t i = 0; r >= 0 && i < log_event_count(); i++)
        if (log_event_is_repeated((LogEvent)i))
            r = log_throttle_new(REPEATED_INTERVAL, &list[i]);
    if (r >= 0)
        throttles = list;
    return r;
}

/* Returns whether to log an entry now, and appends to its format how many it stands for. */
static bool may_log(LogEvent event, char **ret_format, const char *format)
{
    LogThrottle *throttle = throttles ? throttles[event] : NULL;
    uint64_t held = 0;

    if (throttle && !log_throttle_pass(throttle, &held))
        return false;
    if (held > 0 &&
        asprintf(ret_format, "%s (and %" PRIu64 " more since the last entry)", format, held) < 0)
        *ret_format = NULL;
    return true;
}

int log_event_full(LogEvent event, int error, const LogFields *fields, const char *format, ...)
{
    const LogEventInfo *info = log_event_info(event);
    _cleanup_free_ char *longer = NULL;
    va_list arguments;

    if (!may_log(event, &longer, format))
        return -abs(error);
    va_start(arguments, format);
    send_entry(info->level, info, error, fields, str_or(longer, format), arguments);
    va_end(arguments);
    return -abs(error);
}
