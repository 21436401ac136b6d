/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The fields of a chain's leaf in the journal. */

#include "log/log-fields.h"
#include "x509/chain.h"

/* Adds ACMEMS_SERIAL, and ACMEMS_NOT_AFTER as "2026-11-23T10:20:30Z". */
void chain_add_fields(const Chain *chain, LogFields *fields);
