/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A certificate chain from the CA or from the cache. */

#include "x509/chain.h"

#include <openssl/err.h>
#include <stdint.h>

#include "input-pem.h"
#include "strings/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const Chain *chain)
{
    _cleanup_strv_ char **names = chain_names(chain);
    _cleanup_free_ char *serial = chain_serial(chain), *id = chain_renewal_id(chain);
    char fingerprint[CHAIN_FINGERPRINT_SIZE];

    if (!serial || (id && !*id) || chain_fingerprint(chain, fingerprint) < 0)
        abort();
    (void)chain_not_after(chain);
    (void)chain_renewal(chain, 30);
    (void)chain_leads_to(chain, "a root");
}

/* What is stored is read again, as the same chain. */
static void check(const Chain *chain)
{
    _cleanup_(chain_freep) Chain *again = NULL;
    _cleanup_free_ char *text = NULL;
    char one[CHAIN_FINGERPRINT_SIZE], other[CHAIN_FINGERPRINT_SIZE];
    const char *reason = NULL;
    size_t size;

    if (chain_format(chain, &text, &size) < 0 || chain_parse(text, size, &again, &reason) < 0 ||
        chain_fingerprint(chain, one) < 0 || chain_fingerprint(again, other) < 0 ||
        !streq(one, other))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *pem = input_as_pem(data, size, "CERTIFICATE");
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *reason = NULL;
    int r = pem ? chain_parse(pem, strlen(pem), &chain, &reason)
                : chain_parse((const char *)data, size, &chain, &reason);

    if (r == 0) {
        use(chain);
        check(chain);
    } else if (chain || (r == -EBADMSG && !reason))
        abort();
    ERR_clear_error();
    return 0;
}
