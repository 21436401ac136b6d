/* SPDX-License-Identifier: GPL-3.0-or-later */

/* acmems-sign: answers POST /sign. */

#include "config-file.h"
#include "csr-preload.h"
#include "handler.h"
#include "http.h"
#include "sign-request.h"

typedef struct Sign {
    ConfigFile *config_file;
    Config *config; /* in force for the connection at hand */
} Sign;

static void sign_close(void *userdata)
{
    Sign *sign = userdata;

    config_file_free(sign->config_file);
    free(sign);
}

static int sign_open(const char *path, void **ret)
{
    Sign *sign = calloc(1, sizeof(*sign));
    int r = sign ? config_file_open(path, &sign->config_file) : -ENOMEM;

    if (r < 0) {
        free(sign);
        return r;
    }
    csr_preload();
    *ret = sign;
    return 0;
}

static void prepare(void *userdata)
{
    Sign *sign = userdata;

    sign->config = config_file_get(sign->config_file);
}

static void serve(int fd, void *userdata)
{
    const Sign *sign = userdata;
    const HttpRoute routes[] = {
        {
            .path = "/sign",
            .methods = "POST",
            .has_body = true,
            .max_body = sign->config->max_size,
            .serve = sign_request,
        },
    };
    const HttpServer server = {
        .routes = routes,
        .n_routes = ELEMENTSOF(routes),
        .request_timeout = 10 * USEC_PER_SEC,
        .idle_timeout = 15 * USEC_PER_SEC,
        .write_timeout = 10 * USEC_PER_SEC,
        .requests_max = 100,
        .begin = handler_log_begin,
        .refused = sign_request_refused,
        .userdata = sign->config,
    };

    http_serve(fd, &server);
}

int main(int argc, char *argv[])
{
    static const HandlerProgram program = {
        .name = "acmems-sign",
        .summary = "Answers certificate signing requests posted to /sign",
        .option = "config",
        .option_value = "FILE",
        .option_help = "the configuration",
        .option_default = CONFIG_FILE_DEFAULT,
        .open = sign_open,
        .close = sign_close,
        .prepare = prepare,
        .serve = serve,
    };

    return handler_main(argc, argv, &program);
}
