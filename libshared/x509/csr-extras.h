/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What a CSR asks for besides names and a key, and a CA or one of its profiles may refuse. */

#include "x509/csr.h"

/* More names than this are too many for some profiles. */
#define CSR_EXTRAS_NAMES 25U

/* Names these things, in words that complete "The CSR has …": must-staple (RFC 7633), client
 * authentication (RFC 5280 §4.2.1.12), more than CSR_EXTRAS_NAMES names. @names_only: the last one
 * alone, for a CA that has not seen the CSR. Sets *ret to a new string, or to NULL if there are
 * none. Returns 0 or -ENOMEM. */
int csr_extras_describe(const Csr *csr, bool names_only, char **ret);
