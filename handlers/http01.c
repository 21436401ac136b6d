/* SPDX-License-Identifier: GPL-3.0-or-later */

/* acmems-http01: answers http-01 challenges (RFC 8555 §8.3) from the files that orderd writes. */

#include "base/macro.h"
#include "challenge-request.h"
#include "serving/handler.h"
#include "serving/http.h"
#include "statedir/challenge.h"

static void http01_serve(int fd, void *userdata)
{
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
        .userdata = userdata,
    };

    http_serve(fd, &server);
}

int main(int argc, char *argv[])
{
    static const HandlerProgram program = {
        .name = "acmems-http01",
        .summary = "Answers http-01 challenges",
        .options = { { "challenges", "DIR", "directory of the challenge files",
                       CHALLENGE_DIRECTORY_DEFAULT } },
        .serve = http01_serve,
        /* More than keep_alive_max and one further request take together. */
        .lifetime = 120 * USEC_PER_SEC,
    };

    return handler_main(argc, argv, &program);
}
