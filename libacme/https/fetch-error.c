/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/fetch-error.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "config/ca-file.h"
#include "libacme/https/fetch-proxy.h"

/* libcurl refuses the protocol of a redirect with the same code as an answer that is not HTTP. */
static bool is_redirected(const FetchAttempt *attempt)
{
    return strncasecmp(fetch_effective_url(attempt->easy), "https://", 8) != 0;
}

/* Of OpenSSL, which libcurl asks before it compares the host name itself. */
static int certificate_error(const FetchAttempt *attempt)
{
    switch (fetch_info(attempt->easy, CURLINFO_SSL_VERIFYRESULT)) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED: /* libcurl's before the handshake ends */
        return -ENXIO;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return -EKEYEXPIRED;
    default:
        return -EKEYREJECTED;
    }
}

static int curl_to_errno(const FetchAttempt *attempt)
{
    switch (attempt->code) {
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return -EHOSTUNREACH;
    case CURLE_SSL_CONNECT_ERROR:
        return -EPROTONOSUPPORT;
    case CURLE_PEER_FAILED_VERIFICATION:
        return certificate_error(attempt);
    case CURLE_SSL_CACERT_BADFILE:
        return -ENOKEY;
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_TOO_MANY_REDIRECTS:
        return -ELOOP;
    case CURLE_UNSUPPORTED_PROTOCOL:
        return is_redirected(attempt) ? -ELOOP : -EPROTONOSUPPORT;
    case CURLE_BAD_CONTENT_ENCODING:
        return -EPROTO;
    default:
        return -EIO;
    }
}

/* libcurl names neither the file, if it is that of the system, nor the reason. NULL: out of memory.
 */
static char *explain_ca_file(const FetchAttempt *attempt)
{
    const char *path = attempt->ca_file;
    const char *why = "contains no certificate in PEM form";
    char *text;
    int r;

    if (!path && curl_easy_getinfo(attempt->easy, CURLINFO_CAINFO, &path) != CURLE_OK)
        path = NULL;
    path = str_or(path, "of the system");
    r = ca_file_check(path, &why);
    if (r < 0 && r != -EBADMSG)
        return asprintf(&text, "'%s' cannot be read: %s", path, strerror(-r)) < 0 ? NULL : text;
    return asprintf(&text, "'%s' %s", path, why) < 0 ? NULL : text;
}

static const char *location(const FetchAttempt *attempt)
{
    return fetch_effective_url(attempt->easy);
}

static const char *content_encoding(const FetchAttempt *attempt)
{
    return str_or(fetch_header(attempt->easy, "Content-Encoding"), "?");
}

/* Where the error texts of libcurl leave out the fact that decides. */
static const struct {
    CURLcode code;
    const char *(*fact)(const FetchAttempt *attempt);
    const char *before, *after;
} answers[] = {
    { CURLE_BAD_CONTENT_ENCODING, content_encoding, "its Content-Encoding is '",
      "', and the body cannot be decoded" },
    { CURLE_TOO_MANY_REDIRECTS, location, "it redirects too often, at last to '", "'" },
    { CURLE_UNSUPPORTED_PROTOCOL, location, "it redirects to '", "', which is not an https URL" },
};

/* An error text in place of that of libcurl. NULL: that one serves, or out of memory. */
static char *explain(const FetchAttempt *attempt)
{
    char *text;

    if (attempt->code == CURLE_UNSUPPORTED_PROTOCOL && !is_redirected(attempt))
        return strdup("the server does not speak HTTP");
    if (attempt->code == CURLE_SSL_CACERT_BADFILE)
        return explain_ca_file(attempt);
    for (size_t i = 0; i < ELEMENTSOF(answers); i++)
        if (attempt->code == answers[i].code)
            return asprintf(&text, "%s%s%s", answers[i].before, answers[i].fact(attempt),
                            answers[i].after) < 0
                       ? NULL
                       : text;
    return NULL;
}

int fetch_error(const FetchAttempt *attempt, char **ret)
{
    *ret = NULL;
    if (attempt->code == CURLE_OK)
        return 0;
    if (fetch_proxy_explain(attempt, ret))
        return -EHOSTDOWN;
    *ret = explain(attempt);
    return curl_to_errno(attempt);
}
