/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A list of extensions, as OpenSSL returns a copy of it. */

#include <openssl/x509v3.h>

typedef STACK_OF(X509_EXTENSION) Extensions;

static inline void extensions_freep(Extensions **extensions)
{
    sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}
