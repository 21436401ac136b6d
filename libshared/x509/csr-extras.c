/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/csr-extras.h"

#include <openssl/err.h>
#include <stdio.h>

#include "strings/strv.h"
#include "x509/extensions.h"

static bool has_must_staple(const Extensions *extensions)
{
    return X509v3_get_ext_by_NID(extensions, NID_tlsfeature, -1) >= 0;
}

static bool has_client_auth(const Extensions *extensions)
{
    EXTENDED_KEY_USAGE *usages = X509V3_get_d2i(extensions, NID_ext_key_usage, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++)
        found |= OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)) == NID_client_auth;
    EXTENDED_KEY_USAGE_free(usages);
    ERR_clear_error(); /* of a malformed one */
    return found;
}

static const struct {
    bool (*is_in)(const Extensions *extensions);
    const char *name;
} extras[] = {
    { has_must_staple, "must-staple (the TLS feature extension)" },
    { has_client_auth, "client authentication (in extendedKeyUsage)" },
};

int csr_extras_describe(const Csr *csr, bool names_only, char **ret)
{
    _cleanup_(extensions_freep) Extensions *extensions = X509_REQ_get_extensions(csr->req);
    size_t n_names = strv_length(csr->names) + strv_length(csr->addresses);
    _cleanup_strv_ char **found = NULL;
    char number[32];

    for (size_t i = 0; i < ELEMENTSOF(extras); i++)
        if (!names_only && extras[i].is_in(extensions) && strv_extend(&found, extras[i].name) < 0)
            return -ENOMEM;
    (void)snprintf(number, sizeof(number), "%zu names", n_names);
    if (n_names > CSR_EXTRAS_NAMES && strv_extend(&found, number) < 0)
        return -ENOMEM;
    *ret = found ? strv_join(found, " and ") : NULL;
    return found && !*ret ? -ENOMEM : 0;
}
