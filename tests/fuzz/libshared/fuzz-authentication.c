/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The headers of a client that say who it is: Authentication, and the same bytes as Host. */

#include "policy/authentication.h"

#include <stdlib.h>
#include <string.h>

#include "strings/host.h"

#define KEY "a key of 16 bytes"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The header of an answer is read like that of a request, and is right for its body alone. */
static void check_answer(const Digest *digest, const char *body)
{
    Authentication again = { 0 };
    char *value = NULL;

    if (authentication_format(digest, KEY, body, strlen(body), &value) < 0 ||
        authentication_parse(value, &again) < 0 || again.has_time || again.digest != digest ||
        !authentication_verify(&again, KEY, body, strlen(body)) ||
        authentication_verify(&again, KEY, body, strlen(body) - 1))
        abort();
    free(value);
}

static void check_authentication(const char *value)
{
    Authentication authentication = { 0 };

    if (authentication_parse(value, &authentication) < 0)
        return;
    if (!authentication.digest || authentication.digest->size > DIGEST_SIZE_MAX)
        abort();
    if (authentication_verify(&authentication, KEY, value, strlen(value)))
        abort(); /* a hash of itself */
    check_answer(authentication.digest, value);
}

/* A host is one that a client may send, and in its one form it stays as it is. */
static void check_host(const char *value)
{
    char host[HOST_SIZE], again[HOST_SIZE];

    bool is_authority = host_is_authority(value);

    if (host_parse_header(value, host) < 0)
        return;
    if (!is_authority)
        abort();
    if (host_parse(host, strlen(host), again) < 0 || strcmp(host, again) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = strndup((const char *)data, size);

    if (value) {
        check_authentication(value);
        check_host(value);
    }
    free(value);
    return 0;
}
