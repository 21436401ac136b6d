/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The fields that an entry has in the journal beside its text: acmems.journal-fields(7). */

#include "base/macro.h"

typedef enum LogField {
    LOG_FIELD_REQUEST_ID,
    LOG_FIELD_CLIENT,
    LOG_FIELD_AUTH,
    LOG_FIELD_NAME, /* one for each name, so that a match is exact */
    LOG_FIELD_CSR,
    LOG_FIELD_DECISION, /* comes with the event */
    LOG_FIELD_REASON,
    LOG_FIELD_STATUS,
    LOG_FIELD_SERIAL,
    LOG_FIELD_NOT_AFTER,
    LOG_FIELD_ORDER,
    LOG_FIELD_PROBLEM,
    LOG_FIELD_PEER_UID, /* of the process that calls acmems-orderd */
    LOG_FIELD_PEER_PID,
} LogField;

#define LOG_FIELDS_MAX           256U  /* in one set; what comes then is left out */
#define LOG_FIELD_VALUE_SIZE_MAX 8000U /* bytes; what is longer is cut */

/* Empty when zeroed. */
typedef struct LogFields {
    char **lines; /* "ACMEMS_NAME=www.example.org", each once */
} LogFields;

/* Copies a value, as text_flatten() makes it; NULL and what there is no memory for are left out: no
 * entry fails for want of a field. */
void log_fields_add(LogFields *fields, LogField field, const char *value);
void log_fields_add_all(LogFields *fields, LogField field, char *const *values);
void log_fields_add_status(LogFields *fields, int status); /* HTTP status; 0: none */

/* First value of this field; borrowed, NULL: none. */
const char *log_fields_get(const LogFields *fields, LogField field);

void log_fields_done(LogFields *fields);

#define _cleanup_log_fields_ _cleanup_(log_fields_done)
