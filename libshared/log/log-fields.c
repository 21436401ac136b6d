/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/log-fields.h"

#include <stdio.h>

#include "strings/strv.h"
#include "strings/text.h"

static const char *const names[] = {
    [LOG_FIELD_REQUEST_ID] = "ACMEMS_REQUEST_ID",
    [LOG_FIELD_CLIENT] = "ACMEMS_CLIENT",
    [LOG_FIELD_AUTH] = "ACMEMS_AUTH",
    [LOG_FIELD_NAME] = "ACMEMS_NAME",
    [LOG_FIELD_CSR] = "ACMEMS_CSR",
    [LOG_FIELD_DECISION] = "ACMEMS_DECISION",
    [LOG_FIELD_REASON] = "ACMEMS_REASON",
    [LOG_FIELD_STATUS] = "ACMEMS_STATUS",
    [LOG_FIELD_SERIAL] = "ACMEMS_SERIAL",
    [LOG_FIELD_NOT_AFTER] = "ACMEMS_NOT_AFTER",
    [LOG_FIELD_ORDER] = "ACMEMS_ORDER",
    [LOG_FIELD_PROBLEM] = "ACMEMS_PROBLEM",
    [LOG_FIELD_PEER_UID] = "ACMEMS_PEER_UID",
    [LOG_FIELD_PEER_PID] = "ACMEMS_PEER_PID",
};

void log_fields_add(LogFields *fields, LogField field, const char *value)
{
    _cleanup_free_ char *line = NULL;

    if (!value || strv_length(fields->lines) >= LOG_FIELDS_MAX)
        return;
    if (asprintf(&line, "%s=%.*s", names[field], (int)LOG_FIELD_VALUE_SIZE_MAX, value) < 0) {
        line = NULL;
        return;
    }
    text_flatten(line);
    if (!strv_contains(fields->lines, line))
        (void)strv_extend(&fields->lines, line);
}

void log_fields_add_all(LogFields *fields, LogField field, char *const *values)
{
    STRV_FOREACH (value, values)
        log_fields_add(fields, field, *value);
}

void log_fields_add_status(LogFields *fields, int status)
{
    char text[16];

    if (status == 0)
        return;
    (void)snprintf(text, sizeof(text), "%d", status);
    log_fields_add(fields, LOG_FIELD_STATUS, text);
}

const char *log_fields_get(const LogFields *fields, LogField field)
{
    size_t length = strlen(names[field]);

    STRV_FOREACH (line, fields->lines)
        if (strncmp(*line, names[field], length) == 0 && (*line)[length] == '=')
            return *line + length + 1;
    return NULL;
}

void log_fields_done(LogFields *fields)
{
    fields->lines = strv_free(fields->lines);
}
