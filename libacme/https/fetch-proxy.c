/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/fetch-proxy.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"

/* The proxy of the requests. */
typedef struct Proxy {
    const char *setting; /* where it is set; NULL: there is none */
    const char *url;
} Proxy;

/* As libcurl looks for it. */
static Proxy find_proxy(const char *configured)
{
    static const struct {
        const char *name, *setting;
    } variables[] = {
        { "https_proxy", "https_proxy in the environment" },
        { "HTTPS_PROXY", "HTTPS_PROXY in the environment" },
        { "all_proxy", "all_proxy in the environment" },
        { "ALL_PROXY", "ALL_PROXY in the environment" },
    };

    if (configured)
        return (Proxy){ *configured ? "proxy in [account]" : NULL, configured };
    for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
        const char *url = getenv(variables[i].name);

        if (url && *url)
            return (Proxy){ variables[i].setting, url };
    }
    return (Proxy){ 0 };
}

/* Whether the text of libcurl says that it connected to this host and port. Changes @host. */
static bool names_host(const char *text, char *host, const char *port)
{
    size_t length = strlen(host);
    _cleanup_free_ char *connected = NULL, *passed = NULL;

    if (*host == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        host++;
    }
    if (asprintf(&connected, "connect to %s port %s ", host, port) < 0)
        connected = NULL;
    if (asprintf(&passed, " via %s ", host) < 0) /* of newer versions */
        passed = NULL;
    return (connected && strstr(text, connected)) || (passed && strstr(text, passed));
}

/* no_proxy may exempt the CA from the proxy: the text says where libcurl connected to. */
static bool is_connected_to(const char *text, const char *url)
{
    char *host = NULL, *port = NULL;
    CURLU *parts = curl_url();
    bool is_it = parts &&
                 curl_url_set(parts, CURLUPART_URL, url,
                              CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;

    if (is_it && curl_url_get(parts, CURLUPART_PORT, &port, 0) != CURLUE_OK)
        port = NULL;
    is_it = is_it && names_host(text, host, str_or(port, "1080"));
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return is_it;
}

/* Whether TLS with the server began, now or in an earlier request: the proxy has done its part. */
static bool has_tunnel(const FetchAttempt *attempt)
{
    curl_off_t duration = 0;

    return fetch_info(attempt->easy, CURLINFO_NUM_CONNECTS) == 0 ||
           (curl_easy_getinfo(attempt->easy, CURLINFO_APPCONNECT_TIME_T, &duration) == CURLE_OK &&
            duration > 0);
}

/* Whether a request fails at the proxy, on the way to the server. */
static bool fails_at_proxy(const FetchAttempt *attempt, const Proxy *proxy)
{
    if (!proxy->setting)
        return false;
    switch (attempt->code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
        return true;
    case CURLE_COULDNT_CONNECT:
        return is_connected_to(attempt->text, proxy->url);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
        return fetch_info(attempt->easy, CURLINFO_PROXY_SSL_VERIFYRESULT) != X509_V_OK;
    case CURLE_RECV_ERROR:
        return !has_tunnel(attempt);
    default:
        return false;
    }
}

/* Whether the proxy works and cannot reach the server. */
static bool is_server_away(const FetchAttempt *attempt)
{
    switch (fetch_info(attempt->easy, CURLINFO_PROXY_ERROR)) {
    case CURLPX_REPLY_CONNECTION_REFUSED:
    case CURLPX_REPLY_GENERAL_SERVER_FAILURE:
    case CURLPX_REPLY_HOST_UNREACHABLE:
    case CURLPX_REPLY_NETWORK_UNREACHABLE:
    case CURLPX_REPLY_TTL_EXPIRED:
        return true;
    default:
        return fetch_info(attempt->easy, CURLINFO_HTTP_CONNECTCODE) >= 500;
    }
}

bool fetch_proxy_explain(const FetchAttempt *attempt, char **ret)
{
    const Proxy proxy = find_proxy(attempt->proxy);

    if (!fails_at_proxy(attempt, &proxy))
        return false;
    if (asprintf(ret, "%s: check %s%s", attempt->text,
                 is_server_away(attempt) ? "acme-server and " : "", proxy.setting) < 0)
        *ret = NULL;
    return true;
}
