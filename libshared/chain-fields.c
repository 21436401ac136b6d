/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chain-fields.h"

void chain_add_fields(const Chain *chain, LogFields *fields)
{
    _cleanup_free_ char *serial = chain_serial(chain);
    time_t end = chain_not_after(chain);
    char until[32];
    struct tm tm;

    log_fields_add(fields, LOG_FIELD_SERIAL, serial);
    if (gmtime_r(&end, &tm) && strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        log_fields_add(fields, LOG_FIELD_NOT_AFTER, until);
}
