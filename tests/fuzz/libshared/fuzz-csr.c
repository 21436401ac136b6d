/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of a request to /sign. */

#include "x509/csr.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdint.h>
#include <stdlib.h>

#include "input-pem.h"
#include "strings/strv.h"
#include "x509/csr-extras.h"
#include "x509/dns-name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every name goes to the CA, to DNS and to the journal. */
static void check(const Csr *csr)
{
    _cleanup_strv_ char **identifiers = csr_identifiers(csr);
    _cleanup_free_ char *extras = NULL;
    unsigned char *der = NULL;
    size_t size;

    STRV_FOREACH (name, csr->names)
        if (!dns_name_is_valid(*name))
            abort();
    if (!identifiers || csr_to_der(csr, &der, &size) < 0 || size == 0)
        abort();
    if (!csr_has_key(csr, csr_key(csr)) || csr_extras_describe(csr, false, &extras) < 0)
        abort();
    OPENSSL_free(der);
}

static void read_body(const char *body, size_t size)
{
    _cleanup_(csr_freep) Csr *csr = NULL;
    const char *reason = NULL;
    int r = csr_parse(body, size, &csr, &reason);

    if (r == 0)
        check(csr);
    else if (csr || (r == -EBADMSG && !reason))
        abort();
    if (ERR_peek_error() != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *pem = input_as_pem(data, size, "CERTIFICATE REQUEST");

    read_body((const char *)data, size);
    if (pem)
        read_body(pem, strlen(pem));
    return 0;
}
