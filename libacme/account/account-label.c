/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/account-label.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

int account_label(const char *url, char ret[ACCOUNT_LABEL_LENGTH + 1])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t size;

    if (!url)
        return -EINVAL;
    if (!EVP_Q_digest(NULL, "SHA256", NULL, url, strlen(url), digest, &size))
        return -EIO;
    ret[0] = '_';
    base32_encode(digest, ACCOUNT_LABEL_OCTETS, ret + 1);
    return 0;
}
