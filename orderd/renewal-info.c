/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewal-info.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "encode.h"
#include "polling.h"
#include "rfc3339.h"
#include "text.h"

#define PAUSE_DEFAULT    (6U * 3600U) /* s, where the CA names none; RFC 9773 §4.3.2 */
#define PAUSE_FAILED_MAX (6U * 3600U)
#define EXPLANATION_MAX  1000U

#define DER_HEADER_SIZE 2 /* tag, and a length of less than SERIAL_SIZE_MAX */
#define SERIAL_SIZE_MAX 128

/* The content of the serial's DER, with the 00 that stands in front of a set top bit. */
static char *encode_serial(const Chain *chain)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(chain_leaf(chain));
    unsigned char der[DER_HEADER_SIZE + SERIAL_SIZE_MAX], *p = der;
    int size = i2d_ASN1_INTEGER(serial, NULL);

    if (size <= DER_HEADER_SIZE || size >= DER_HEADER_SIZE + SERIAL_SIZE_MAX)
        return NULL;
    size = i2d_ASN1_INTEGER(serial, &p);
    return base64url_encode(der + DER_HEADER_SIZE, (size_t)size - DER_HEADER_SIZE);
}

char *renewal_info_identifier(const Chain *chain)
{
    const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(chain_leaf(chain));
    _cleanup_free_ char *key = NULL, *serial = encode_serial(chain);
    char *identifier;

    ERR_clear_error();
    if (authority && ASN1_STRING_length(authority) > 0)
        key = base64url_encode(ASN1_STRING_get0_data(authority),
                               (size_t)ASN1_STRING_length(authority));
    if (!key || !serial || asprintf(&identifier, "%s.%s", key, serial) < 0)
        return NULL;
    return identifier;
}

void renewal_info_done(RenewalInfo *info)
{
    free(info->explanation);
    *info = (RenewalInfo){ 0 };
}

int renewal_info_parse(const json_t *object, RenewalInfo *ret)
{
    const json_t *window = json_object_get(object, "suggestedWindow");
    const char *explanation = session_url(object, "explanationURL");
    RenewalInfo info = {
        .start = rfc3339_parse(json_string_value(json_object_get(window, "start"))),
        .end = rfc3339_parse(json_string_value(json_object_get(window, "end"))),
    };

    if (info.start <= 0 || info.end <= info.start)
        return -EBADMSG;
    if (explanation && strlen(explanation) <= EXPLANATION_MAX) {
        info.explanation = strdup(explanation);
        if (!info.explanation)
            return -ENOMEM;
        text_flatten(info.explanation);
    }
    *ret = info;
    return 0;
}

/* With up to a quarter more, within the bounds. */
static unsigned spread(unsigned pause)
{
    unsigned most = RENEWAL_INFO_ASK_MAX / 5 * 4;

    if (pause < RENEWAL_INFO_ASK_MIN)
        pause = RENEWAL_INFO_ASK_MIN;
    if (pause > most)
        pause = most;
    return (unsigned)(backoff_spread(pause * USEC_PER_SEC) / USEC_PER_SEC);
}

unsigned renewal_info_pause(unsigned retry_after)
{
    return spread(retry_after ? retry_after : PAUSE_DEFAULT);
}

unsigned renewal_info_pause_failed(unsigned failures, unsigned retry_after)
{
    unsigned pause = RENEWAL_INFO_ASK_MIN;

    for (; failures > 1 && pause < PAUSE_FAILED_MAX; failures--)
        pause *= 2;
    if (pause > PAUSE_FAILED_MAX)
        pause = PAUSE_FAILED_MAX;
    return spread(pause > retry_after ? pause : retry_after);
}
