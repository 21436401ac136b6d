/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The label of an account in DNS, where dns-account-01 has its records
 * (draft-ietf-acme-dns-account-label §3.2). */

#include "strings/encode.h"

#define ACCOUNT_LABEL_OCTETS 10U /* of the digest */
#define ACCOUNT_LABEL_LENGTH (1 + BASE32_LENGTH(ACCOUNT_LABEL_OCTETS))

/* Writes the label of the account with this URL: "_ujmmovf2vn55tgye". 0; -EINVAL: @url is
 * NULL; -EIO: no SHA-256. */
int account_label(const char *url, char ret[ACCOUNT_LABEL_LENGTH + 1]);
