/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/chain.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/address.h"
#include "strings/encode.h"
#include "strings/strv.h"
#include "x509/dns-name.h"
#include "x509/pem.h"

#define SECONDS_PER_DAY 86400

DEFINE_CLEANUP_FUNC(X509 *, X509_free)
DEFINE_CLEANUP_FUNC(BIO *, BIO_free)
DEFINE_CLEANUP_FUNC(GENERAL_NAMES *, GENERAL_NAMES_free)

static int chain_refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

static int decode(const PemBlock *block, X509 **ret, const char **ret_reason)
{
    _cleanup_(X509_freep) X509 *certificate = NULL;
    _cleanup_free_ uint8_t *der = NULL;
    const unsigned char *end;
    size_t size;
    int r;

    if (!pem_block_is(block, "CERTIFICATE"))
        return chain_refuse(ret_reason, "it contains a block that is not a certificate");
    r = pem_block_decode(block, &der, &size);
    if (r == -ENOMEM)
        return r;
    end = der;
    certificate = r < 0 ? NULL : d2i_X509(NULL, &end, (long)size);
    if (!certificate || end != der + size)
        return chain_refuse(ret_reason, "it contains a certificate that cannot be decoded");
    *ret = TAKE_PTR(certificate);
    return 0;
}

static int append(Chain *chain, const PemBlock *block, const char **ret_reason)
{
    _cleanup_(X509_freep) X509 *certificate = NULL;
    int r;

    if (sk_X509_num(chain->certificates) >= CHAIN_CERTIFICATES_MAX)
        return chain_refuse(ret_reason, "it contains too many certificates");
    r = decode(block, &certificate, ret_reason);
    if (r < 0)
        return r;
    if (sk_X509_push(chain->certificates, certificate) <= 0)
        return -ENOMEM;
    TAKE_PTR(certificate);
    return 0;
}

static int chain_read(const char *pem, size_t size, Chain **ret, const char **ret_reason)
{
    _cleanup_(chain_freep) Chain *chain = calloc(1, sizeof(*chain));
    PemBlock block;
    int r;

    if (!chain)
        return -ENOMEM;
    chain->certificates = sk_X509_new_null();
    if (!chain->certificates)
        return -ENOMEM;
    if (size > CHAIN_SIZE_MAX)
        return chain_refuse(ret_reason, "it is too large for a certificate chain");
    while ((r = pem_next(&pem, &size, &block)) > 0) {
        r = append(chain, &block, ret_reason);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return chain_refuse(ret_reason, "it is not well-formed PEM");
    if (sk_X509_num(chain->certificates) == 0)
        return chain_refuse(ret_reason, "it contains no certificate");
    *ret = TAKE_PTR(chain);
    return 0;
}

int chain_parse(const char *pem, size_t size, Chain **ret, const char **ret_reason)
{
    int r = chain_read(pem, size, ret, ret_reason);

    ERR_clear_error();
    return r;
}

Chain *chain_free(Chain *chain)
{
    if (!chain)
        return NULL;
    sk_X509_pop_free(chain->certificates, X509_free);
    free(chain);
    return NULL;
}

X509 *chain_leaf(const Chain *chain)
{
    return sk_X509_value(chain->certificates, 0);
}

/* The text of a DNS name in lower case, or of an address; "" if it is neither, or contains a NUL.
 * New string; NULL: out of memory. */
static char *name_text(const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN] = "", *text;
    const ASN1_STRING *string = name->type == GEN_IPADD ? name->d.iPAddress : name->d.dNSName;
    size_t size;

    if (name->type != GEN_DNS && name->type != GEN_IPADD)
        return strdup("");
    size = (size_t)ASN1_STRING_length(string);
    if (name->type == GEN_IPADD) {
        (void)address_from_octets(ASN1_STRING_get0_data(string), size, address);
        return strdup(address);
    }
    text = strndup((const char *)ASN1_STRING_get0_data(string), size);
    if (!text)
        return NULL;
    if (strlen(text) != size)
        *text = '\0';
    dns_name_fold(text);
    return text;
}

/* The requested names of this type. */
static char *const *asked_for(const Csr *csr, const GENERAL_NAME *name)
{
    return name->type == GEN_DNS ? csr->names : name->type == GEN_IPADD ? csr->addresses : NULL;
}

/* The names of the leaf: those that were requested, each once, and the others. */
typedef struct LeafNames {
    char **asked, **extra;
} LeafNames;

static void leaf_names_done(LeafNames *names)
{
    strv_free(names->asked);
    strv_free(names->extra);
}

static int add_name(const GENERAL_NAME *name, const Csr *csr, LeafNames *names)
{
    _cleanup_free_ char *text = name_text(name);
    bool is_asked;

    if (!text)
        return -ENOMEM;
    is_asked = *text && strv_contains(asked_for(csr, name), text);
    if (is_asked)
        return strv_contains(names->asked, text) ? 0 : strv_extend(&names->asked, text);
    return strv_extend(&names->extra, *text ? text : "a name of another type");
}

static int read_names(const Chain *chain, const Csr *csr, LeafNames *names)
{
    _cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *list =
        X509_get_ext_d2i(chain_leaf(chain), NID_subject_alt_name, NULL, NULL);
    int r = 0;

    for (int i = 0; r >= 0 && i < sk_GENERAL_NAME_num(list); i++)
        r = add_name(sk_GENERAL_NAME_value(list, i), csr, names);
    ERR_clear_error();
    return r;
}

static int check_names(const Chain *chain, const Csr *csr, const char **ret_reason)
{
    _cleanup_(leaf_names_done) LeafNames names = { 0 };
    int r = read_names(chain, csr, &names);

    if (r < 0)
        return r;
    if (strv_length(names.asked) != strv_length(csr->names) + strv_length(csr->addresses))
        return chain_refuse(ret_reason, "the certificate lacks a requested name");
    return 0;
}

char **chain_extra_names(const Chain *chain, const Csr *csr)
{
    _cleanup_(leaf_names_done) LeafNames names = { 0 };

    return read_names(chain, csr, &names) < 0 ? NULL : TAKE_PTR(names.extra);
}

int chain_check(const Chain *chain, const Csr *csr, const char **ret_reason)
{
    int r = 0;

    if (!csr_has_key(csr, X509_get0_pubkey(chain_leaf(chain))))
        r = chain_refuse(ret_reason, "the certificate has a different key than the request");
    else
        r = check_names(chain, csr, ret_reason);
    ERR_clear_error();
    return r;
}

char **chain_names(const Chain *chain)
{
    _cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *names =
        X509_get_ext_d2i(chain_leaf(chain), NID_subject_alt_name, NULL, NULL);
    _cleanup_strv_ char **texts = NULL;

    ERR_clear_error();
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        _cleanup_free_ char *text = name_text(sk_GENERAL_NAME_value(names, i));

        if (text && *text && strv_extend(&texts, text) < 0)
            return NULL;
    }
    return TAKE_PTR(texts);
}

int chain_format(const Chain *chain, char **ret, size_t *ret_size)
{
    _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
    char *data, *copy;
    long size;

    if (!bio)
        return -ENOMEM;
    for (int i = 0; i < sk_X509_num(chain->certificates); i++) {
        if (i > 0 && BIO_write(bio, "\n", 1) != 1)
            return -ENOMEM;
        if (PEM_write_bio_X509(bio, sk_X509_value(chain->certificates, i)) != 1)
            return -ENOMEM;
    }
    size = BIO_get_mem_data(bio, &data);
    copy = strndup(data, (size_t)size);
    if (!copy)
        return -ENOMEM;
    *ret = copy;
    *ret_size = (size_t)size;
    return 0;
}

static bool has_common_name(const X509_NAME *name, const char *common_name)
{
    size_t length = strlen(common_name);
    bool found = false;

    for (int i = -1; !found && (i = X509_NAME_get_index_by_NID(name, NID_commonName, i)) >= 0;) {
        const ASN1_STRING *string = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
        unsigned char *text = NULL;
        int size = ASN1_STRING_to_UTF8(&text, string);

        found = size >= 0 && (size_t)size == length && memcmp(text, common_name, length) == 0;
        OPENSSL_free(text);
    }
    return found;
}

bool chain_leads_to(const Chain *chain, const char *common_name)
{
    const X509 *top = sk_X509_value(chain->certificates, sk_X509_num(chain->certificates) - 1);
    bool leads = has_common_name(X509_get_issuer_name(top), common_name);

    ERR_clear_error();
    return leads;
}

/* 0 for an invalid time. */
static time_t to_time(const ASN1_TIME *asn1)
{
    struct tm tm;

    return ASN1_TIME_to_tm(asn1, &tm) == 1 ? timegm(&tm) : 0;
}

time_t chain_not_after(const Chain *chain)
{
    return to_time(X509_get0_notAfter(chain_leaf(chain)));
}

char *chain_serial(const Chain *chain)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(chain_leaf(chain));
    size_t size = (size_t)ASN1_STRING_length(serial);
    char *text = malloc(2 * size + 1);

    if (text)
        hex_encode(ASN1_STRING_get0_data(serial), size, text);
    return text;
}

bool chain_is_alive(const Chain *chain, time_t now)
{
    return now >= to_time(X509_get0_notBefore(chain_leaf(chain))) && now < chain_not_after(chain);
}

int chain_fingerprint(const Chain *chain, char ret[CHAIN_FINGERPRINT_SIZE])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    unsigned size;
    int r = X509_digest(chain_leaf(chain), EVP_sha256(), hash, &size);

    ERR_clear_error();
    if (r != 1)
        return -EIO;
    hex_encode(hash, sizeof(hash), ret);
    return 0;
}

/* The content of the DER of an INTEGER, with a leading 00, in base64url. NULL if it is too long for
 * a serial number, or out of memory. */
static char *encode_integer(const ASN1_INTEGER *integer)
{
    unsigned char *der = NULL;
    int size = i2d_ASN1_INTEGER(integer, &der);
    /* Tag, and length in one byte. */
    char *text = size > 2 && size < 128 ? base64url_encode(der + 2, (size_t)size - 2) : NULL;

    OPENSSL_free(der);
    return text;
}

char *chain_renewal_id(const Chain *chain)
{
    const ASN1_OCTET_STRING *issuer = X509_get0_authority_key_id(chain_leaf(chain));
    _cleanup_free_ char *key = NULL, *serial = NULL;
    char *id;

    if (!issuer)
        return NULL;
    key = base64url_encode(ASN1_STRING_get0_data(issuer), (size_t)ASN1_STRING_length(issuer));
    serial = encode_integer(X509_get0_serialNumber(chain_leaf(chain)));
    if (!key || !serial || asprintf(&id, "%s.%s", key, serial) < 0)
        return NULL;
    return id;
}

time_t chain_renewal(const Chain *chain, unsigned renew_within)
{
    int64_t not_before = to_time(X509_get0_notBefore(chain_leaf(chain)));
    int64_t not_after = chain_not_after(chain);
    int64_t lifetime = not_after - not_before;
    int64_t window = (int64_t)renew_within * SECONDS_PER_DAY;

    /* A certificate that expires before it begins is due when it expires, not later. */
    if (lifetime <= window)
        window = lifetime > 0 ? lifetime / 3 : 0;
    return not_after - window;
}

bool chain_is_outdated(const Chain *chain, time_t now, unsigned renew_within)
{
    return now > chain_renewal(chain, renew_within);
}
