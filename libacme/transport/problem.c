/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/problem.h"

#include <stdio.h>

#define DESCRIPTION_MAX 1000U

#define SOON    60U
#define AN_HOUR 3600U

#define OUR_DEFECT "This is a defect of acmems: please report it with the journal's lines."

static const Problem problems[] = {
    { "accountDoesNotExist", 500, 0, false,
      "The CA does not know the server's ACME account: its administrator runs "
      "'acme-register --register --accept-terms-of-service CONFIG'." },
    { "alreadyRevoked", 500, 0, false, "The certificate is revoked already. " OUR_DEFECT },
    { "badCSR", 415, 0, false, "The CA does not accept this CSR: make a new one as it says." },
    { "badNonce", 503, SOON, true, "The CA refused one nonce after the other: try again later." },
    { "badPublicKey", 500, 0, false,
      "The CA does not accept the server's account key: its administrator makes another one with "
      "'acme-register --gen-key --override-existing-key --register CONFIG'." },
    { "badRevocationReason", 500, 0, false,
      "The CA does not accept the revocation reason. " OUR_DEFECT },
    { "badSignatureAlgorithm", 500, 0, false,
      "The CA does not accept signatures of the server's account key: its administrator makes "
      "another one with 'acme-register --gen-key --override-existing-key --register CONFIG'." },
    { "caa", 421, 0, false,
      "A CAA record forbids this CA to issue for a name: correct the record." },
    { "compound", 421, 0, false, "The CA refused the names for several reasons." },
    { "connection", 421, 0, false, "The CA could not connect to a name for its validation." },
    { "dns", 421, 0, false,
      "The CA could not look a name up for its validation: check its DNS records." },
    { "externalAccountRequired", 500, 0, false,
      "The CA asks for an external account binding: its administrator sets eab-kid and "
      "eab-hmac-key-file in [account]." },
    { "incorrectResponse", 421, 0, false, "The CA got a wrong answer for its validation." },
    { "invalidContact", 500, 0, false, "The CA does not accept the account's contact address." },
    { "invalidProfile", 500, 0, false,
      "The CA does not accept the profile that the server asks for: its administrator sets profile "
      "to another one." },
    { "malformed", 500, 0, false, "The CA did not understand the server's request. " OUR_DEFECT },
    { "orderNotReady", 503, SOON, false, "The CA says the order is not ready: try again later." },
    { "rateLimited", 429, AN_HOUR, true,
      "The CA limits the rate of certificates: try again later." },
    { "rejectedIdentifier", 403, 0, false, "The CA does not issue certificates for a name." },
    { "serverInternal", 503, SOON, true, "The CA has a fault of its own: try again later." },
    { "tls", 421, 0, false, "The CA met a TLS error at its validation." },
    { "unauthorized", 500, 0, false,
      "The CA refuses the server's ACME account: its administrator runs 'acme-register CONFIG' to "
      "see the "
      "account's state." },
    { "unsupportedContact", 500, 0, false,
      "The CA does not support the account's contact address." },
    { "unsupportedIdentifier", 403, 0, false, "The CA does not support a name of this type." },
    { "userActionRequired", 500, 0, false,
      "The CA waits for the server's administrator, who runs "
      "'acme-register --accept-terms-of-service CONFIG'." },
};

static const Problem unknown_problem = {
    "unknown", 503, AN_HOUR, false,
    "The CA reports an error unknown to acmems: its administrator looks into it."
};

static const char *without_urn(const char *type)
{
    return strncmp(type, PROBLEM_URN, STRLEN(PROBLEM_URN)) == 0 ? type + STRLEN(PROBLEM_URN) : type;
}

const Problem *problem_find(const char *type)
{
    type = without_urn(type);
    for (size_t i = 0; i < ELEMENTSOF(problems); i++)
        if (streq(problems[i].type, type))
            return &problems[i];
    return &unknown_problem;
}

const char *problem_type(const json_t *document)
{
    const char *type = json_string_value(json_object_get(document, "type"));

    return type ? without_urn(type) : "";
}

char *problem_describe(const json_t *document)
{
    const char *type = problem_type(document);
    /* CAs quote the nonce there, which the journal is not to have. */
    const char *detail =
        streq(type, "badNonce") ? NULL : json_string_value(json_object_get(document, "detail"));
    char *text = NULL;
    size_t size, i;
    json_t *sub;
    FILE *f;

    f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    fprintf(f, "%s: %s", type, str_or(detail, "no details given"));
    json_array_foreach (json_object_get(document, "subproblems"), i, sub) {
        json_t *identifier = json_object_get(sub, "identifier");
        const char *name = json_string_value(json_object_get(identifier, "value"));

        detail = json_string_value(json_object_get(sub, "detail"));
        fprintf(f, "; %s: %s: %s", str_or(name, "-"), problem_type(sub),
                str_or(detail, "no details given"));
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    if (size > DESCRIPTION_MAX) {
        size = DESCRIPTION_MAX;
        /* Never in the middle of a UTF-8 character. */
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
        text[size] = '\0';
    }
    return text;
}
