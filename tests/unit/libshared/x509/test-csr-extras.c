/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/csr-extras.h"

#include "make-x509.h"

static EVP_PKEY *key;

/* A CSR for @n_names names with these extensions; NULL: without. */
static Csr *make_csr(size_t n_names, const char *tls_feature, const char *usage)
{
    X509_REQ *req = make_request_begin(key);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    _cleanup_free_ char *request = NULL;
    char san[4096] = "";
    const char *why;
    Csr *csr;

    for (size_t i = 0; i < n_names; i++)
        (void)snprintf(san + strlen(san), sizeof(san) - strlen(san), "%sDNS:n%zu.example",
                       i > 0 ? "," : "", i);
    sk_X509_EXTENSION_push(extensions, make_san(san));
    if (tls_feature)
        sk_X509_EXTENSION_push(extensions,
                               X509V3_EXT_conf_nid(NULL, NULL, NID_tlsfeature, tls_feature));
    if (usage)
        sk_X509_EXTENSION_push(extensions,
                               X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage));
    ASSERT_EQ(X509_REQ_add_extensions(req, extensions), 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    request = make_request_end(req, key);
    ASSERT_OK(csr_parse(request, strlen(request), &csr, &why));
    return csr;
}

static const struct {
    size_t n_names;
    const char *tls_feature, *usage, *expected;
} table[] = {
    { 1, NULL, NULL, NULL },
    { 25, NULL, "serverAuth", NULL },
    { 26, NULL, NULL, "26 names" },
    { 1, "status_request", NULL, "must-staple (the TLS feature extension)" },
    { 1, NULL, "serverAuth,clientAuth", "client authentication (in extendedKeyUsage)" },
    { 30, "status_request", "clientAuth",
      "must-staple (the TLS feature extension) and client authentication (in extendedKeyUsage) "
      "and 30 names" },
};

int main(void)
{
    key = make_key("P-256");
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_(csr_freep) Csr *csr =
            make_csr(table[i].n_names, table[i].tls_feature, table[i].usage);
        _cleanup_free_ char *found = NULL;

        ASSERT_OK(csr_extras_describe(csr, false, &found));
        if (table[i].expected)
            ASSERT_STREQ(found, table[i].expected);
        else
            ASSERT_TRUE(!found);
    }
    EVP_PKEY_free(key);
    return EXIT_SUCCESS;
}
