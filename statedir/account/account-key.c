/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/account/account-key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "strings/text.h"
#include "x509/rsa-key.h"

#define BEGIN     "-----BEGIN "
#define LABEL_MAX 40U
#define USABLE                                                                                     \
    "acmems uses RSA keys of " STRINGIFY(RSA_BITS_MIN) " to " STRINGIFY(                           \
        RSA_BITS_MAX) " bits and EC keys on P-256 or P-384"

#define STRINGIFY(number)  STRINGIFY_(number)
#define STRINGIFY_(number) #number

DEFINE_CLEANUP_FUNC(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP_FUNC(BIO *, BIO_free)

/* Refuses encrypted keys: a daemon cannot prompt for a passphrase. */
static int no_passphrase(char *buf, int size, int writing, void *userdata)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)userdata;
    return -1;
}

static int _printf_(2, 3) refuse(char why[ACCOUNT_KEY_WHY_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(why, ACCOUNT_KEY_WHY_SIZE, format, arguments);
    va_end(arguments);
    return -EBADMSG;
}

static int check_rsa(const EVP_PKEY *key, char why[ACCOUNT_KEY_WHY_SIZE])
{
    int bits = EVP_PKEY_get_bits(key);

    if (rsa_key_is_accepted(key))
        return 0;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return refuse(why, "it is an RSA key of %d bits; " USABLE, bits);
    return refuse(why, "it is an RSA key with an unusual exponent; create it with 65537");
}

/* The names that people use; the others are those of OpenSSL. */
static const char *curve_words(const char *curve)
{
    return streq(curve, SN_secp521r1) ? "P-521" : curve;
}

static int check_ec(const EVP_PKEY *key, char why[ACCOUNT_KEY_WHY_SIZE])
{
    char curve[64];

    if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1)
        return refuse(why, "it is an EC key on a curve without a name; " USABLE);
    if (streq(curve, SN_X9_62_prime256v1) || streq(curve, SN_secp384r1))
        return 0;
    return refuse(why, "it is an EC key on %s; " USABLE, curve_words(curve));
}

static int check_other(const EVP_PKEY *key, char why[ACCOUNT_KEY_WHY_SIZE])
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
        return refuse(why, "it is an Ed25519 key; " USABLE);
    case EVP_PKEY_ED448:
        return refuse(why, "it is an Ed448 key; " USABLE);
    default:
        return refuse(why, "it is a key of type %s; " USABLE,
                      str_or(EVP_PKEY_get0_type_name(key), "unknown"));
    }
}

static int check_key(const EVP_PKEY *key, char why[ACCOUNT_KEY_WHY_SIZE])
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return check_rsa(key, why);
    case EVP_PKEY_EC:
        return check_ec(key, why);
    default:
        return check_other(key, why);
    }
}

static bool contains(const char *text, size_t size, const char *word)
{
    return memmem(text, size, word, strlen(word));
}

/* The label of the first PEM block. False: there is none. */
static bool find_label(const char *text, size_t size, char label[LABEL_MAX])
{
    const char *begin = memmem(text, size, BEGIN, STRLEN(BEGIN)), *end;
    size_t length;

    if (!begin)
        return false;
    begin += STRLEN(BEGIN);
    end = memmem(begin, size - (size_t)(begin - text), "-----", 5);
    length = end ? (size_t)(end - begin) : 0;
    if (length == 0 || length >= LABEL_MAX)
        return false;
    memcpy(label, begin, length);
    label[length] = '\0';
    return true;
}

/* Tells why the text is no key: it may be one in another form. */
static int refuse_text(const char *text, size_t size, char why[ACCOUNT_KEY_WHY_SIZE])
{
    size_t blank = 0;
    char label[LABEL_MAX];

    if (text_is_utf16(text, size))
        return refuse(why, "it is in UTF-16; save it as UTF-8");
    while (blank < size && strchr(" \t\r\n", text[blank]) && text[blank])
        blank++;
    if (blank == size)
        return refuse(why, "it is empty");
    if (text[blank] == '{' && contains(text, size, "\"kty\""))
        return refuse(why, "it is a JSON Web Key (JWK); convert it to PEM");
    if (contains(text, size, BEGIN "ENCRYPTED PRIVATE KEY-----") ||
        contains(text, size, "Proc-Type: 4,ENCRYPTED"))
        return refuse(why, "it is encrypted; decrypt it with openssl pkey");
    if (!find_label(text, size, label))
        return refuse(why, "it is not a private key in PEM form");
    if (strstr(label, "PRIVATE KEY") && !streq(label, "OPENSSH PRIVATE KEY"))
        return refuse(why, "its %s is damaged or of an unknown type", label);
    return refuse(why, "it contains %s, not a private key in PEM form", label);
}

int account_key_parse(const char *pem, size_t size, char why[ACCOUNT_KEY_WHY_SIZE], EVP_PKEY **ret)
{
    _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
    size_t mark = text_mark_size(pem, size);
    _cleanup_(BIO_freep) BIO *bio = BIO_new_mem_buf(pem + mark, (int)(size - mark));
    int r;

    if (!bio) {
        (void)refuse(why, "out of memory");
        return -ENOMEM;
    }
    key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    r = key ? check_key(key, why) : refuse_text(pem + mark, size - mark, why);
    ERR_clear_error();
    if (r < 0)
        return r;
    *ret = TAKE_PTR(key);
    return 0;
}
