/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A certificate chain from the CA or from the cache; before it may be the request that it is for.
 */

#include "x509/chain.h"

#include <openssl/err.h>
#include <stdint.h>

#include "input-pem.h"
#include "strings/strv.h"

#define REQUEST_END "-----END CERTIFICATE REQUEST-----\n"
#define YEAR        (365L * 86400)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const Chain *chain)
{
    _cleanup_strv_ char **names = chain_names(chain);
    _cleanup_free_ char *serial = chain_serial(chain), *id = chain_renewal_id(chain);
    char fingerprint[CHAIN_FINGERPRINT_SIZE];

    if (!serial || (id && !*id) || chain_fingerprint(chain, fingerprint) < 0)
        abort();
    if (chain_is_alive(chain, chain_not_after(chain)) ||
        chain_renewal(chain, 30) > chain_not_after(chain) ||
        !chain_is_outdated(chain, chain_not_after(chain) + YEAR, 30))
        abort();
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

/* What is returned to a client has the names that it asked for; others are reported. */
static void compare(const Chain *chain, const char *pem, size_t size)
{
    _cleanup_(csr_freep) Csr *csr = NULL;
    _cleanup_strv_ char **names = chain_names(chain), **extra = NULL;
    const char *reason = NULL;
    int r = csr_parse(pem, size, &csr, &reason);

    if (r < 0)
        return;
    r = chain_check(chain, csr, &reason);
    if (r < 0) {
        if (!reason)
            abort();
        return;
    }
    extra = chain_extra_names(chain, csr);
    STRV_FOREACH (name, names)
        if (!strv_contains(csr->names, *name) && !strv_contains(csr->addresses, *name) &&
            !strv_contains(extra, *name))
            abort();
    STRV_FOREACH (name, csr->names)
        if (!strv_contains(names, *name))
            abort();
}

/* The size of the request before the chain; 0: there is none. */
static size_t request_size(const uint8_t *data, size_t size)
{
    const uint8_t *end = memmem(data, size, REQUEST_END, STRLEN(REQUEST_END));

    return end ? (size_t)(end - data) + STRLEN(REQUEST_END) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = request_size(data, size);
    const char *request = (const char *)data, *text = request + n;
    _cleanup_free_ char *pem = input_as_pem(data, size, "CERTIFICATE");
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *reason = NULL;
    int r = pem ? chain_parse(pem, strlen(pem), &chain, &reason)
                : chain_parse(text, size - n, &chain, &reason);

    if (r == 0) {
        use(chain);
        check(chain);
        compare(chain, request, n);
    } else if (chain || (r == -EBADMSG && !reason))
        abort();
    ERR_clear_error();
    return 0;
}
