/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The headers of a client that say who it is: Authentication, and the same bytes as Host. */

#include "policy/authentication.h"

#include <stdlib.h>
#include <string.h>

#include "strings/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_authentication(const char *value)
{
    Authentication authentication = { 0 };

    if (authentication_parse(value, &authentication) < 0)
        return;
    if (!authentication.digest || authentication.digest->size > DIGEST_SIZE_MAX)
        abort();
    (void)authentication_verify(&authentication, "a key of 16 bytes", value, strlen(value));
}

/* A host in its one form stays as it is. */
static void check_host(const char *value)
{
    char host[HOST_SIZE], again[HOST_SIZE];

    if (host_parse_header(value, host) < 0)
        return;
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
