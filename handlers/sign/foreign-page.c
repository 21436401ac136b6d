/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/foreign-page.h"

#include <stdio.h>
#include <string.h>

#include "strings/host.h"
#include "strings/strv.h"

#define FROM_BROWSER                                                                               \
    "This request comes from a web browser, which this server does not serve. Send it with a "     \
    "client such as curl or wget, without Origin and Sec-Fetch headers."
#define OTHER_HOST                                                                                 \
    "The host in this request is not a name of this server. Use a URL with a name that "           \
    "server-name in the server's configuration lists."

static const char *refuse(char **ret_why, const char *sentence, const char *what, const char *value)
{
    if (asprintf(ret_why, "%s%s%s%s", what, *value ? " '" : "", value, *value ? "'" : "") < 0)
        *ret_why = NULL;
    return sentence;
}

const char *foreign_page_detect(const HttpExchange *x, const Config *config, char **ret_why)
{
    char host[HOST_SIZE] = "";
    int r;

    if (http_header(x, "Origin"))
        return refuse(ret_why, FROM_BROWSER, "a browser sent it: it has the header Origin", "");
    if (http_header_begins(x, "Sec-Fetch-"))
        return refuse(ret_why, FROM_BROWSER, "a browser sent it: it has a header Sec-Fetch-…", "");
    if (!config || !config->server_names)
        return NULL;
    r = http_host(x, host);
    if (r >= 0 && strv_contains(config->server_names, host))
        return NULL;
    return refuse(ret_why, OTHER_HOST, "server-name does not list the host of the request", host);
}
