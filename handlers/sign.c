/* SPDX-License-Identifier: GPL-3.0-or-later */

/* acmems-sign: answers POST /sign. */

#include <systemd/sd-daemon.h>

#include "loading/file.h"
#include "serving/handler.h"
#include "serving/http-arrival.h"
#include "serving/http.h"
#include "sign/csr-preload.h"
#include "sign/sign-request.h"

typedef struct Sign {
    const char *path; /* of the configuration */
    ConfigFile *config_file;
    bool told_broken;    /* the status line says that the configuration has errors */
    SignContext context; /* for the current connection */
} Sign;

static void sign_close(void *userdata)
{
    Sign *sign = userdata;

    if (sign->context.refusals)
        (void)refusals_sum_up(sign->context.refusals, USEC_INFINITY);
    refusals_free(sign->context.refusals);
    config_file_free(sign->config_file);
    free(sign);
}

DEFINE_CLEANUP_FUNC(Sign *, sign_close)

static int sign_open(const char *const values[], void **ret)
{
    _cleanup_(sign_closep) Sign *sign = calloc(1, sizeof(*sign));
    int r = sign ? refusals_new(&sign->context.refusals) : -ENOMEM;

    if (r >= 0)
        r = config_file_watch(values[0], &sign->config_file);
    if (r >= 0)
        sign->path = values[0];
    if (r < 0)
        return r;
    csr_preload();
    *ret = TAKE_PTR(sign);
    return 0;
}

/* For the line "Status:" of systemctl status. */
static void tell_status(Sign *sign)
{
    bool is_broken = config_file_is_broken(sign->config_file);

    if (is_broken == sign->told_broken)
        return;
    sign->told_broken = is_broken;
    if (!is_broken)
        (void)sd_notify(false, "STATUS=");
    else
        (void)sd_notifyf(
            false, "STATUS=%s has errors, %s: run 'acmemsctl check' to see them", sign->path,
            sign->context.config ? "the previous configuration is in use" : "all requests get 503");
}

static void sign_prepare(void *userdata)
{
    Sign *sign = userdata;

    sign->context.config = config_file_get(sign->config_file);
    tell_status(sign);
    (void)refusals_sum_up(sign->context.refusals, now_monotonic());
}

static FrontServers get_front_servers(const Config *config)
{
    return config ? (FrontServers){ config->proxies, config->n_proxies } : (FrontServers){ 0 };
}

static bool sign_identify(int fd, Source *source, void *userdata)
{
    Sign *sign = userdata;
    FrontServers front;

    sign->context.config = config_file_get(sign->config_file);
    front = get_front_servers(sign->context.config);
    return front_servers_identify(&front, fd, source);
}

static bool sign_has_arrived(int fd, void *userdata)
{
    const Sign *sign = userdata;
    const FrontServers front = get_front_servers(sign->context.config);

    return http_has_arrived(&front, fd);
}

static void sign_connection(int fd, void *userdata)
{
    Sign *sign = userdata;
    const Config *config = sign->context.config;
    const HttpRoute routes[] = {
        {
            .path = "/sign",
            .methods = "POST",
            .has_body = true,
            .max_body = config ? config->max_size : CONFIG_MAX_SIZE_DEFAULT,
            .serve = sign_serve,
        },
    };
    HttpServer server = {
        .routes = routes,
        .n_routes = ELEMENTSOF(routes),
        .limits = HTTP_LIMITS_DEFAULT,
        .begin = handler_log_begin,
        .refused = sign_refused,
        .front = get_front_servers(config),
        .userdata = &sign->context,
    };

    server.limits.idle_timeout = 15 * USEC_PER_SEC;
    http_serve(fd, &server);
}

int main(int argc, char *argv[])
{
    char config[PATH_MAX];
    const HandlerProgram program = {
        .name = "acmems-sign",
        .summary = "Answer certificate signing requests posted to /sign",
        .options = { { "config", "FILE", "the configuration", config_file_default(config) } },
        .open = sign_open,
        .close = sign_close,
        .identify = sign_identify,
        .has_arrived = sign_has_arrived,
        .prepare = sign_prepare,
        .serve = sign_connection,
        .crowded = http_turn_away_crowded,
        .late = http_turn_away_late,
        .outbound = OUTBOUND_UNIX,
        /* Longer than keep_alive_max and one more request with its order. */
        .lifetime = 240 * USEC_PER_SEC,
    };

    return handler_main(argc, argv, &program);
}
