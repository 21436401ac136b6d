/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/csr.h"

#include <ctype.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "net/address.h"
#include "strings/strv.h"
#include "strings/text.h"
#include "x509/csr-form.h"
#include "x509/dns-name.h"
#include "x509/extensions.h"
#include "x509/pem.h"
#include "x509/rsa-key.h"

/* Limit of the DER: more than twice the size of CSR_NAMES_MAX of the longest names with the largest
 * key. A decoded request can need thirty times its size in memory. */
#define DER_SIZE_MAX ((size_t)64 * 1024)
#define PRIVATE_KEY  "PRIVATE KEY-----"

DEFINE_CLEANUP_FUNC(X509_REQ *, X509_REQ_free)
DEFINE_CLEANUP_FUNC(GENERAL_NAMES *, GENERAL_NAMES_free)

/* Answers to the client: what is wrong, and what to do. */
#define REASON_PRIVATE_KEY                                                                         \
    "The request contains a private key. The server did not keep it, but the key is "              \
    "compromised because it was sent. Create a new key, and send only the CSR made with it."
#define REASON_NO_PEM                                                                              \
    "The request contains no PEM block. Send a certificate signing request (CSR) that starts "     \
    "with '-----BEGIN CERTIFICATE REQUEST-----'."
#define REASON_PEM "The request is not well-formed PEM. Send the complete, unchanged CSR file."
#define REASON_OTHER_BLOCK                                                                         \
    "The request contains a PEM block that is not a certificate signing request (CSR). Send "      \
    "only the CSR."
#define REASON_TWO_BLOCKS                                                                          \
    "The request contains more than one certificate signing request (CSR). Send one CSR per "      \
    "request."
#define REASON_SIZE                                                                                \
    "The CSR is larger than 64 KiB. Create a new CSR with fewer names and without other "          \
    "content."
#define REASON_DER "The CSR cannot be decoded. Create a new CSR and send it unchanged."
#define REASON_KEY                                                                                 \
    "The key of the CSR is not accepted. Use RSA with 2048 to 8192 bits and the exponent 65537, "  \
    "P-256, P-384, P-521 or Ed25519."
#define REASON_POINT                                                                               \
    "The key of the CSR is a compressed point, which CAs do not accept. Create the key with "      \
    "an uncompressed point, as OpenSSL does by default."
#define REASON_SIGNATURE                                                                           \
    "The signature of the CSR is not valid. Create a new CSR with the key that it is for."
#define REASON_EXTENSIONS                                                                          \
    "The extensions of the CSR are malformed or ambiguous. Create a CSR with one extension "       \
    "request that contains one subjectAltName."
#define REASON_NO_NAME                                                                             \
    "The CSR contains no name. Add subjectAltName=DNS:..., for example with openssl req "          \
    "-addext."
#define REASON_TOO_MANY  "The CSR contains more than 100 names. Split them between several requests."
#define REASON_NUL       "A name in the CSR contains a NUL byte. Create a new CSR without it."
#define REASON_NOT_ASCII "A name in the CSR is not ASCII. Write it as an A-label (xn--...)."
#define REASON_COMMON_NAME                                                                         \
    "The common name (CN) of the CSR, '%s', is not a valid host name. Remove it, or use one of "   \
    "the host names."
#define REASON_COMMON_NAME_NOT_ASCII                                                               \
    "The common name (CN) of the CSR, '%s', is not ASCII. Write a host name as an A-label "        \
    "(xn--...), or remove the CN."
#define REASON_NAME                                                                                \
    "The DNS name '%s' in the CSR is not a valid host name. Use labels of letters, digits and "    \
    "hyphens, or such a name after '*.'."
#define REASON_ADDRESS                                                                             \
    "An IP address in the CSR is neither 4 bytes (IPv4) nor 16 bytes (IPv6), or it is an IPv4"     \
    " address mapped into IPv6. Create a new CSR."

_Static_assert(CSR_NAMES_MAX == 100, "REASON_TOO_MANY names the number");
_Static_assert(RSA_BITS_MIN == 2048 && RSA_BITS_MAX == 8192, "REASON_KEY names the numbers");
_Static_assert(DER_SIZE_MAX == 64 * 1024, "REASON_SIZE names the number");

static int csr_refuse(const char **ret_reason, const char *reason)
{
    *ret_reason = reason;
    return -EBADMSG;
}

static bool is_request(const PemBlock *block)
{
    return pem_block_is(block, "CERTIFICATE REQUEST") ||
           pem_block_is(block, "NEW CERTIFICATE REQUEST");
}

static int find_block(const char *body, size_t size, PemBlock *ret, const char **ret_reason)
{
    PemBlock block, other;
    const char *whole;
    size_t whole_size;
    int r;

    /* Searches for the label alone: even a damaged block reveals the key. */
    if (memmem(body, size, PRIVATE_KEY, STRLEN(PRIVATE_KEY)))
        return csr_refuse(ret_reason, REASON_PRIVATE_KEY);
    whole = body;
    whole_size = size;
    r = pem_next(&body, &size, &block);
    if (r <= 0)
        return csr_refuse(ret_reason, str_or(csr_form_explain(whole, whole_size),
                                             r < 0 ? REASON_PEM : REASON_NO_PEM));
    if (!is_request(&block))
        return csr_refuse(ret_reason, REASON_OTHER_BLOCK);
    r = pem_next(&body, &size, &other);
    if (r < 0)
        return csr_refuse(ret_reason, REASON_PEM);
    if (r > 0)
        return csr_refuse(ret_reason, is_request(&other) ? REASON_TWO_BLOCKS : REASON_OTHER_BLOCK);
    *ret = block;
    return 0;
}

static int decode_der(const uint8_t *der, size_t size, X509_REQ **ret, const char **ret_reason)
{
    _cleanup_(X509_REQ_freep) X509_REQ *req = NULL;
    const unsigned char *end = der;

    if (size > DER_SIZE_MAX)
        return csr_refuse(ret_reason, REASON_SIZE);
    req = d2i_X509_REQ(NULL, &end, (long)size);
    if (!req || end != der + size)
        return csr_refuse(ret_reason, REASON_DER);
    *ret = TAKE_PTR(req);
    return 0;
}

static int decode_block(const PemBlock *block, X509_REQ **ret, const char **ret_reason)
{
    _cleanup_free_ uint8_t *der = NULL;
    size_t size;
    int r = pem_block_decode(block, &der, &size);

    if (r == -ENOMEM)
        return r;
    return r < 0 ? csr_refuse(ret_reason, REASON_PEM) : decode_der(der, size, ret, ret_reason);
}

static bool is_private_key(const uint8_t *der, size_t size)
{
    const unsigned char *end = der;
    EVP_PKEY *key = size <= DER_SIZE_MAX ? d2i_AutoPrivateKey(NULL, &end, (long)size) : NULL;

    EVP_PKEY_free(key);
    return key;
}

static int decode(const char *body, size_t size, X509_REQ **ret, const char **ret_reason)
{
    _cleanup_csr_form_ CsrForm form = { 0 };
    PemBlock block;
    int r = csr_form_read(body, size, &form);

    if (r < 0)
        return r;
    if (form.is_der) {
        r = decode_der((const uint8_t *)form.text, form.size, ret, ret_reason);
        if (r == -EBADMSG && is_private_key((const uint8_t *)form.text, form.size))
            *ret_reason = REASON_PRIVATE_KEY;
        return r;
    }
    r = find_block(form.text, form.size, &block, ret_reason);
    return r < 0 ? r : decode_block(&block, ret, ret_reason);
}

static bool curve_is_accepted(const EVP_PKEY *key)
{
    static const char *const curves[] = { SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1 };
    char name[64];

    if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(curves); i++)
        if (streq(name, curves[i]))
            return true;
    return false;
}

static bool key_is_accepted(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return rsa_key_is_accepted(key);
    case EVP_PKEY_EC:
        return curve_is_accepted(key);
    case EVP_PKEY_ED25519:
        return true;
    default:
        return false;
    }
}

/* RFC 5480 §2.2: uncompressed points are a must, compressed ones are optional, and CAs refuse them.
 */
static bool point_is_compressed(X509_REQ *req)
{
    const unsigned char *point;
    int size;

    return X509_PUBKEY_get0_param(NULL, &point, &size, NULL, X509_REQ_get_X509_PUBKEY(req)) == 1 &&
           size > 0 && point[0] != POINT_CONVERSION_UNCOMPRESSED;
}

static int check_key(X509_REQ *req, const char **ret_reason)
{
    EVP_PKEY *key = X509_REQ_get0_pubkey(req);

    if (!key || !key_is_accepted(key))
        return csr_refuse(ret_reason, REASON_KEY);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && point_is_compressed(req))
        return csr_refuse(ret_reason, REASON_POINT);
    if (X509_REQ_verify(req, key) != 1)
        return csr_refuse(ret_reason, REASON_SIGNATURE);
    return 0;
}

static bool is_ascii(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] > 0x7f)
            return false;
    return true;
}

/* @list: csr->names or csr->addresses */
static int add_once(Csr *csr, char ***list, const char *name, const char **ret_reason)
{
    if (strv_contains(*list, name))
        return 0;
    if (strv_length(csr->names) + strv_length(csr->addresses) >= CSR_NAMES_MAX)
        return csr_refuse(ret_reason, REASON_TOO_MANY);
    return strv_extend(list, name);
}

#define QUOTE_SIZE (64 + 1)

static char reason[512]; /* valid until the next CSR is parsed */

/* What the client can recognize of a name, without control characters. */
static void quote(const void *text, int size, char ret[QUOTE_SIZE])
{
    (void)snprintf(ret, QUOTE_SIZE, "%.*s", size < 0 ? 0 : size,
                   size < 0 ? "" : (const char *)text);
    text_flatten(ret);
}

/* @invalid: the reason if it is not a host name */
static int add_name(Csr *csr, const void *data, int size, const char *invalid,
                    const char **ret_reason)
{
    _cleanup_free_ char *name = NULL;

    if (size < 0)
        return csr_refuse(ret_reason, invalid);
    if (size > 0 && memchr(data, '\0', (size_t)size))
        return csr_refuse(ret_reason, REASON_NUL);
    if (!is_ascii(data, (size_t)size))
        return csr_refuse(ret_reason, REASON_NOT_ASCII);
    name = strndup(size > 0 ? data : "", (size_t)size);
    if (!name)
        return -ENOMEM;
    dns_name_fold(name);
    if (!dns_name_is_valid(name))
        return csr_refuse(ret_reason, invalid);
    return add_once(csr, &csr->names, name, ret_reason);
}

static int add_dns_name(Csr *csr, const ASN1_IA5STRING *name, const char **ret_reason)
{
    const unsigned char *text = ASN1_STRING_get0_data(name);
    int size = ASN1_STRING_length(name);
    char quoted[QUOTE_SIZE];

    quote(text, size, quoted);
    (void)snprintf(reason, sizeof(reason), REASON_NAME, quoted);
    return add_name(csr, text, size, reason, ret_reason);
}

static int add_address(Csr *csr, const ASN1_OCTET_STRING *octets, const char **ret_reason)
{
    char text[INET6_ADDRSTRLEN];

    if (address_from_octets(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets),
                            text) < 0)
        return csr_refuse(ret_reason, REASON_ADDRESS);
    return add_once(csr, &csr->addresses, text, ret_reason);
}

/* Whether this text is one of the IP addresses, in any spelling. */
static bool is_own_address(const Csr *csr, const char *text, int size)
{
    char address[INET6_ADDRSTRLEN];
    SocketAddress parsed;

    if ((size_t)size >= sizeof(address))
        return false;
    (void)snprintf(address, sizeof(address), "%.*s", size, text);
    return socket_address_parse(address, &parsed) >= 0 &&
           strv_contains(csr->addresses, socket_address_format(&parsed, address));
}

/* The CN is for people too: blanks around it, an empty one and one that is an IP address of the
 * request say nothing wrong. */
static int add_common_name(Csr *csr, const char *text, int size, const char **ret_reason)
{
    char quoted[QUOTE_SIZE];
    bool is_plain;

    while (size > 0 && isspace((unsigned char)*text))
        text++, size--;
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (size == 0)
        return 0;
    if (size > 0 && is_own_address(csr, text, size))
        return 0;
    is_plain = size < 0 || is_ascii(text, (size_t)size);
    quote(text, size, quoted);
    (void)snprintf(reason, sizeof(reason),
                   is_plain ? REASON_COMMON_NAME : REASON_COMMON_NAME_NOT_ASCII, quoted);
    if (!is_plain)
        return csr_refuse(ret_reason, reason);
    return add_name(csr, text, size, reason, ret_reason);
}

/* The names of the CN come before the others. */
static int add_common_names(Csr *csr, const char **ret_reason)
{
    const X509_NAME *subject = X509_REQ_get_subject_name(csr->req);
    _cleanup_strv_ char **sans = TAKE_PTR(csr->names);

    for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) {
        const ASN1_STRING *string = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));
        unsigned char *text = NULL;
        int size, r;

        size = ASN1_STRING_to_UTF8(&text, string);
        r = add_common_name(csr, (const char *)text, size, ret_reason);
        OPENSSL_free(text);
        if (r < 0)
            return r;
    }
    STRV_FOREACH (name, sans) {
        int r = add_once(csr, &csr->names, *name, ret_reason);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Names for the journal, of the types other than DNS names and addresses. */
static const char *const other_san_types[] = {
    [GEN_OTHERNAME] = "other name",    [GEN_EMAIL] = "e-mail address",
    [GEN_X400] = "X.400 address",      [GEN_DIRNAME] = "directory name",
    [GEN_EDIPARTY] = "EDI party name", [GEN_URI] = "URI",
    [GEN_RID] = "registered ID",
};

static int add_alternative_name(Csr *csr, const GENERAL_NAME *name, const char **ret_reason)
{
    const char *type;

    if (name->type == GEN_DNS)
        return add_dns_name(csr, name->d.dNSName, ret_reason);
    if (name->type == GEN_IPADD)
        return add_address(csr, name->d.iPAddress, ret_reason);
    if (csr->other_san)
        return 0;
    type = name->type >= 0 && (size_t)name->type < ELEMENTSOF(other_san_types)
               ? other_san_types[name->type]
               : NULL;
    csr->other_san = strdup(type ? type : "unknown");
    return csr->other_san ? 0 : -ENOMEM;
}

static int add_alternative_names(Csr *csr, X509_EXTENSION *extension, const char **ret_reason)
{
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    const unsigned char *start = ASN1_STRING_get0_data(value), *at = start;
    _cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *names = NULL;

    /* X509V3_EXT_d2i() would ignore data after the names. */
    names = d2i_GENERAL_NAMES(NULL, &at, ASN1_STRING_length(value));
    if (!names || at != start + ASN1_STRING_length(value))
        return csr_refuse(ret_reason, REASON_EXTENSIONS);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int r = add_alternative_name(csr, sk_GENERAL_NAME_value(names, i), ret_reason);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Counts the lists of extensions in the request. OpenSSL reads only the first: a second one could
 * contain names that only the CA sees. */
static int count_extension_requests(const X509_REQ *req)
{
    int n = 0;

    for (int i = 0; i < X509_REQ_get_attr_count(req); i++) {
        X509_ATTRIBUTE *attribute = X509_REQ_get_attr(req, i);
        int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute));

        if (nid == NID_ext_req || nid == NID_ms_ext_req)
            n += X509_ATTRIBUTE_count(attribute);
    }
    return n;
}

static int add_extensions(Csr *csr, const char **ret_reason)
{
    _cleanup_(extensions_freep) Extensions *extensions = NULL;
    int n = count_extension_requests(csr->req);
    bool has_names = false;

    if (n == 0)
        return 0;
    extensions = n == 1 ? X509_REQ_get_extensions(csr->req) : NULL;
    if (!extensions)
        return csr_refuse(ret_reason, REASON_EXTENSIONS);
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
        X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, i);
        int r;

        if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_subject_alt_name)
            continue;
        /* RFC 5280 §4.2 permits one of a kind; CAs refuse the CSR when its order is nearly done. */
        if (has_names)
            return csr_refuse(ret_reason, REASON_EXTENSIONS);
        has_names = true;
        r = add_alternative_names(csr, extension, ret_reason);
        if (r < 0)
            return r;
    }
    return 0;
}

static int csr_read(const char *body, size_t size, Csr **ret, const char **ret_reason)
{
    _cleanup_(csr_freep) Csr *csr = calloc(1, sizeof(*csr));
    int r;

    if (!csr)
        return -ENOMEM;
    r = decode(body, size, &csr->req, ret_reason);
    if (r < 0)
        return r;
    r = check_key(csr->req, ret_reason);
    if (r < 0)
        return r;
    r = add_extensions(csr, ret_reason);
    if (r < 0)
        return r;
    r = add_common_names(csr, ret_reason);
    if (r < 0)
        return r;
    /* The policy refuses a request with only other types of names. */
    if (!csr->names && !csr->addresses && !csr->other_san)
        return csr_refuse(ret_reason, REASON_NO_NAME);
    *ret = TAKE_PTR(csr);
    return 0;
}

int csr_parse(const char *body, size_t size, Csr **ret, const char **ret_reason)
{
    int r = csr_read(body, size, ret, ret_reason);

    /* Errors from a client's bytes must not appear in the next TLS connection. */
    ERR_clear_error();
    return r;
}

Csr *csr_free(Csr *csr)
{
    if (!csr)
        return NULL;
    X509_REQ_free(csr->req);
    strv_free(csr->names);
    strv_free(csr->addresses);
    free(csr->other_san);
    free(csr);
    return NULL;
}

char **csr_identifiers(const Csr *csr)
{
    char *const *const lists[] = { csr->names, csr->addresses };
    _cleanup_strv_ char **all = NULL;

    for (size_t i = 0; i < ELEMENTSOF(lists); i++)
        STRV_FOREACH (name, lists[i])
            if (strv_extend(&all, *name) < 0)
                return NULL;
    return TAKE_PTR(all);
}

int csr_to_der(const Csr *csr, unsigned char **ret, size_t *ret_size)
{
    int size = i2d_X509_REQ(csr->req, NULL);
    unsigned char *der, *end;

    der = size > 0 ? malloc((size_t)size) : NULL;
    if (!der)
        return -ENOMEM;
    end = der;
    (void)i2d_X509_REQ(csr->req, &end);
    *ret = der;
    *ret_size = (size_t)size;
    return 0;
}

EVP_PKEY *csr_key(const Csr *csr)
{
    return X509_REQ_get0_pubkey(csr->req);
}

bool csr_has_key(const Csr *csr, EVP_PKEY *key)
{
    return EVP_PKEY_eq(csr_key(csr), key) == 1;
}
