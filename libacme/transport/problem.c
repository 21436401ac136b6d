/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/problem.h"

#include <stdio.h>

#include "strings/text.h"

#define DESCRIPTION_MAX 1000U

#define SOON    60U
#define AN_HOUR 3600U

static const Problem problems[] = {
    { "accountDoesNotExist", 500, 0, false, "The CA does not know the server's ACME account.",
      "register it with 'acme-register --register --accept-terms-of-service CONFIG'" },
    { "alreadyRevoked", 500, 0, false, "The certificate is already revoked.", NULL },
    { "badCSR", 415, 0, false,
      "The CA rejected this CSR. Create a new one that meets the CA's requirements.", NULL },
    { "badNonce", 503, SOON, true, "The CA rejected several nonces in a row. Try again later.",
      NULL },
    { "badPublicKey", 500, 0, false, "The CA does not accept the server's account key.",
      "create a new one with 'acme-register --gen-key --override-existing-key --register CONFIG'" },
    { "badRevocationReason", 500, 0, false, "The CA does not accept the revocation reason.", NULL },
    { "badSignatureAlgorithm", 500, 0, false,
      "The CA does not accept the signature algorithm of the server's account key.",
      "create a new key with 'acme-register --gen-key --override-existing-key --register "
      "CONFIG'" },
    { "caa", 421, 0, false,
      "A CAA record forbids this CA to issue a certificate for one of the names. Correct the "
      "record.",
      NULL },
    { "compound", 421, 0, false,
      "The CA rejected the names for several reasons. Correct each of them.", NULL },
    { "connection", 421, 0, false,
      "The CA could not connect to one of the names to validate it. Check its DNS records, its web "
      "server and the firewall.",
      NULL },
    { "dns", 421, 0, false,
      "The CA could not look up one of the names to validate it. Check its DNS records.", NULL },
    { "externalAccountRequired", 500, 0, false, "The CA requires an external account binding.",
      "set eab-kid and eab-hmac-key-file in [account]" },
    { "incorrectResponse", 421, 0, false,
      "The CA received a wrong response when it validated one of the names. Check that its "
      "requests for the name reach acmems.",
      NULL },
    { "invalidContact", 500, 0, false,
      "The CA does not accept the contact address of the server's account.", "change it" },
    { "invalidProfile", 500, 0, false,
      "The CA does not accept the profile that the server requested.",
      "set 'profile' to another one" },
    { "malformed", 500, 0, false, "The CA did not accept the server's request.", NULL },
    { "orderNotReady", 503, SOON, false,
      "The CA says that the order is not ready. Try again later.", NULL },
    { "rateLimited", 429, AN_HOUR, true, "The CA limits the rate of certificates. Try again later.",
      NULL },
    { "rejectedIdentifier", 403, 0, false,
      "The CA does not issue certificates for one of the names. Remove it from the CSR.", NULL },
    { "serverInternal", 503, SOON, true, "The CA has an internal error. Try again later.", NULL },
    { "tls", 421, 0, false,
      "The CA encountered a TLS error when it validated one of the names. Check the TLS server of "
      "the name.",
      NULL },
    { "unauthorized", 500, 0, false, "The CA refuses the server's ACME account.",
      "run 'acme-register CONFIG', which shows the state of the account" },
    { "unsupportedContact", 500, 0, false,
      "The CA does not support the contact address of the server's account.", "change it" },
    { "unsupportedIdentifier", 403, 0, false,
      "The CA does not support the type of one of the names. Remove it from the CSR.", NULL },
    { "userActionRequired", 500, 0, false, "The CA has new terms of service.",
      "accept them with 'acme-register --accept-terms-of-service CONFIG'" },
};

static const Problem unknown_problem = {
    "unknown",     503, AN_HOUR, false, "The CA reported an error that acmems does not know.",
    "look into it"
};

/* The second one is that of the drafts before RFC 8555. */
static const char *const prefixes[] = { PROBLEM_URN, "urn:acme:error:" };

static const char *without_urn(const char *type)
{
    for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
        if (strncmp(type, prefixes[i], strlen(prefixes[i])) == 0)
            return type + strlen(prefixes[i]);
    return type;
}

bool problem_type_is_acme(const char *type)
{
    return without_urn(type) != type;
}

const char *problem_detail(const json_t *document)
{
    static const char *const members[] = { "detail", "message", "title" };

    for (size_t i = 0; i < ELEMENTSOF(members); i++) {
        const char *text = json_string_value(json_object_get(document, members[i]));

        if (text && *text)
            return text;
    }
    return NULL;
}

const Problem *problem_find(const char *type)
{
    type = without_urn(type);
    for (size_t i = 0; i < ELEMENTSOF(problems); i++)
        if (streq(problems[i].type, type))
            return &problems[i];
    return &unknown_problem;
}

bool problem_is_known(const char *type)
{
    return problem_find(type) != &unknown_problem;
}

const char *problem_type(const json_t *document)
{
    const char *type = json_string_value(json_object_get(document, "type"));

    return type ? without_urn(type) : "";
}

char *problem_describe(const json_t *document)
{
    const char *type = problem_type(document);
    /* CAs quote the nonce here. It must not reach the journal. */
    const char *detail = streq(type, "badNonce") ? NULL : problem_detail(document);
    char *text = NULL;
    size_t size, i;
    json_t *sub;
    FILE *f;

    f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    fprintf(f, "%s%s%s", type, *type ? ": " : "", str_or(detail, "no details given"));
    json_array_foreach (json_object_get(document, "subproblems"), i, sub) {
        json_t *identifier = json_object_get(sub, "identifier");
        const char *name = json_string_value(json_object_get(identifier, "value"));

        detail = problem_detail(sub);
        fprintf(f, "; %s: %s: %s", str_or(name, "-"), problem_type(sub),
                str_or(detail, "no details given"));
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    if (size > DESCRIPTION_MAX) {
        size = DESCRIPTION_MAX;
        /* Do not cut inside a UTF-8 character. */
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
        text[size] = '\0';
    }
    /* It goes to the client and to terminals, too. */
    text_flatten(text);
    return text;
}
