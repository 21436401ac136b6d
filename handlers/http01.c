/* SPDX-License-Identifier: GPL-3.0-or-later */

/* acmems-http01: answers http-01 challenges (RFC 8555 §8.3) from the files that orderd writes. */

#include "base/macro.h"
#include "challenge-request.h"
#include "log/log.h"
#include "serving/handler.h"
#include "serving/http-arrival.h"
#include "serving/http.h"
#include "statedir/challenges/challenge.h"

typedef struct Http01 {
    const char *challenges; /* directory */
    AddressPrefix *proxies;
    size_t n_proxies;
} Http01;

static void http01_close(void *userdata)
{
    Http01 *http01 = userdata;

    free(http01->proxies);
    free(http01);
}

DEFINE_CLEANUP_FUNC(Http01 *, http01_close)

/* @text: prefixes with commas in between; changed */
static int parse_proxies(Http01 *http01, char *text)
{
    const char *word;

    while ((word = strsep(&text, ","))) {
        _cleanup_free_ char *meant = NULL;
        AddressPrefix *grown =
            reallocarray(http01->proxies, http01->n_proxies + 1, sizeof(*http01->proxies));
        int r;

        if (!grown)
            return -ENOMEM;
        http01->proxies = grown;
        r = address_prefix_parse(word, &grown[http01->n_proxies], &meant);
        if (r < 0)
            return r;
        http01->n_proxies++;
    }
    return 0;
}

static int http01_open(const char *const values[], void **ret)
{
    _cleanup_(http01_closep) Http01 *http01 = calloc(1, sizeof(*http01));
    _cleanup_free_ char *proxies = strdup(str_or(values[1], ""));
    int r;

    if (!http01 || !proxies)
        return log_oom();
    http01->challenges = values[0];
    r = *proxies ? parse_proxies(http01, proxies) : 0;
    if (r == -ENOMEM)
        return log_oom();
    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r,
                               "--proxy-protocol: '%s' is not a list of addresses or prefixes, "
                               "separated by commas",
                               values[1]);
    *ret = TAKE_PTR(http01);
    return 0;
}

static FrontServers get_front_servers(const Http01 *http01)
{
    return (FrontServers){ http01->proxies, http01->n_proxies };
}

static bool http01_identify(int fd, Source *source, void *userdata)
{
    const FrontServers front = get_front_servers(userdata);

    return front_servers_identify(&front, fd, source);
}

static bool http01_has_arrived(int fd, void *userdata)
{
    const FrontServers front = get_front_servers(userdata);

    return http_has_arrived(&front, fd);
}

static void http01_serve(int fd, void *userdata)
{
    const Http01 *http01 = userdata;
    static const HttpRoute routes[] = {
        {
            .path = CHALLENGE_REQUEST_PREFIX,
            .is_prefix = true,
            .methods = "GET, HEAD",
            .serve = challenge_request,
        },
    };
    const HttpServer server = {
        .routes = routes,
        .n_routes = ELEMENTSOF(routes),
        .limits = HTTP_LIMITS_DEFAULT,
        .begin = handler_log_begin,
        .refused = challenge_request_refused,
        .front = get_front_servers(http01),
        .userdata = (void *)(uintptr_t)http01->challenges,
    };

    http_serve(fd, &server);
}

int main(int argc, char *argv[])
{
    static const HandlerProgram program = {
        .name = "acmems-http01",
        .summary = "Answers http-01 challenges",
        .options = { { "challenges", "DIR", "directory of the challenge files",
                       CHALLENGE_DIRECTORY_DEFAULT },
                     { "proxy-protocol", "PREFIX,…",
                       "front servers that send a PROXY header in each connection", NULL } },
        .open = http01_open,
        .close = http01_close,
        .identify = http01_identify,
        .has_arrived = http01_has_arrived,
        .serve = http01_serve,
        .crowded = http_turn_away_crowded,
        .late = http_turn_away_late,
        /* More than keep_alive_max and one further request take together. */
        .lifetime = 120 * USEC_PER_SEC,
    };

    return handler_main(argc, argv, &program);
}
