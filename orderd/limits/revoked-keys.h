/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Keys that get no certificate any more, because they are compromised. */

#include "libacme/failure.h"
#include "x509/csr.h"

/* Whether the key of this request is not known as compromised. If it is, or if that cannot be found
 * out, @ret is set to status 415 or 500; the latter may pass. */
bool revoked_keys_allow(const char *state_directory, const Csr *csr, Failure *ret);
