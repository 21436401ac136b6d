/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/chain-fields.h"

#include "strings/rfc3339.h"

void chain_add_fields(const Chain *chain, LogFields *fields)
{
    _cleanup_free_ char *serial = chain_serial(chain);
    char until[RFC3339_SIZE];

    log_fields_add(fields, LOG_FIELD_SERIAL, serial);
    log_fields_add(fields, LOG_FIELD_NOT_AFTER, rfc3339_format(chain_not_after(chain), until));
}
