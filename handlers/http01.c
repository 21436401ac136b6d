/* SPDX-License-Identifier: GPL-3.0-or-later */

/* acmems-http01: answers http-01 challenges (RFC 8555 §8.3) from the files orderd writes. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "activation.h"
#include "challenge.h"
#include "fork-server.h"
#include "http.h"
#include "log.h"
#include "macro.h"

#define PROGRAM "acmems-http01"
#define PREFIX  "/.well-known/acme-challenge/"

typedef struct Options {
    const char *challenges;
    usec_t idle_timeout;
    unsigned children_max;
} Options;

/* Opened for each request: the directory may come, go and be replaced while this runs. */
static int read_challenge(const char *directory, const char *token, char **ret, size_t *ret_size)
{
    _cleanup_close_ int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return errno == ENOENT ? CHALLENGE_NOT_FOUND : -errno;
    return challenge_read(dir_fd, token, ret, ret_size);
}

static void serve_challenge(HttpExchange *exchange, void *userdata)
{
    const Options *options = userdata;
    const char *token = http_path(exchange) + STRLEN(PREFIX);
    char peer[INET6_ADDRSTRLEN];
    _cleanup_free_ char *key_authorization = NULL;
    size_t size = 0;
    int r = read_challenge(options->challenges, token, &key_authorization, &size);

    (void)socket_address_format(http_peer(exchange), peer);
    if (r < 0) {
        log_error_errno(r, "Failed to read the challenge for token %s in '%s': %m", token,
                        options->challenges);
        http_reply_error(exchange, 500, 0, "The challenge cannot be read; the journal says why.");
    } else if (r == CHALLENGE_NOT_FOUND) {
        log_debug("No challenge for token %s, asked for by %s", token, peer);
        http_reply_error(exchange, 404, 0, "There is no challenge for this token.");
    } else {
        log_info("Served the challenge for token %s to %s", token, peer);
        http_reply(exchange, 200, "application/octet-stream", NULL, key_authorization, size);
    }
}

static void begin(HttpExchange *exchange, _unused_ void *userdata)
{
    log_set_request(http_request_id(exchange));
}

static void refused(HttpExchange *exchange, int status, const char *reason, _unused_ void *userdata)
{
    char peer[INET6_ADDRSTRLEN];

    log_debug("Refused %s of '%s' from %s with %d: %s", http_method(exchange), http_path(exchange),
              socket_address_format(http_peer(exchange), peer), status, reason);
}

static void serve(int fd, void *userdata)
{
    static const HttpRoute routes[] = {
        { .path = PREFIX, .is_prefix = true, .methods = "GET, HEAD", .serve = serve_challenge },
    };
    const HttpServer server = {
        .routes = routes,
        .n_routes = ELEMENTSOF(routes),
        .request_timeout = 10 * USEC_PER_SEC,
        .idle_timeout = 10 * USEC_PER_SEC,
        .write_timeout = 10 * USEC_PER_SEC,
        .requests_max = 100,
        .begin = begin,
        .refused = refused,
        .userdata = userdata,
    };

    http_serve(fd, &server);
}

static void print_help(void)
{
    printf("Usage: " PROGRAM " [OPTION…]\n"
           "\n"
           "Answers http-01 challenges on the sockets that systemd or inetd hands over.\n"
           "\n"
           "  --challenges DIR    where the challenges are (" CHALLENGE_DIRECTORY_DEFAULT ")\n"
           "  --idle-timeout SEC  exit after so long without a connection (60; 0: never)\n"
           "  --children-max N    connections served at once (%u)\n"
           "  --help              print this\n"
           "  --version           print the version\n",
           FORK_SERVER_CHILDREN_MAX);
}

static int refuse_value(const char *option, const char *value)
{
    return log_error_errno(EINVAL, "--%s: '%s' is out of range or not a number", option, value);
}

/* 1 to go on, 0 when done, -EINVAL when told what is wrong. */
static int parse_argv(int argc, char *argv[], Options *options)
{
    enum { CHALLENGES = 256, IDLE_TIMEOUT, CHILDREN_MAX, HELP, VERSION };
    static const struct option table[] = {
        { "challenges", required_argument, NULL, CHALLENGES },
        { "idle-timeout", required_argument, NULL, IDLE_TIMEOUT },
        { "children-max", required_argument, NULL, CHILDREN_MAX },
        { "help", no_argument, NULL, HELP },
        { "version", no_argument, NULL, VERSION },
        { 0 },
    };
    int option, index = 0;

    /* Standard error may be the client's connection: getopt must not print on it. */
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", table, &index)) >= 0)
        switch (option) {
        case CHALLENGES:
            options->challenges = optarg;
            break;
        case IDLE_TIMEOUT:
            if (fork_server_parse_idle_timeout(optarg, &options->idle_timeout) < 0)
                return refuse_value(table[index].name, optarg);
            break;
        case CHILDREN_MAX:
            if (fork_server_parse_children_max(optarg, &options->children_max) < 0)
                return refuse_value(table[index].name, optarg);
            break;
        case HELP:
            print_help();
            return 0;
        case VERSION:
            printf(PROGRAM " " ACMEMS_VERSION "\n");
            return 0;
        default:
            return log_error_errno(EINVAL, "'%s' is no option or lacks its value, see --help",
                                   argv[optind - 1]);
        }
    if (optind < argc)
        return log_error_errno(EINVAL, "'%s' is not expected, see --help", argv[optind]);
    return 1;
}

static int run(Options *options)
{
    _cleanup_(activation_done) Activation activation = { 0 };
    const ForkServer server = {
        .activation = &activation,
        .idle_timeout = options->idle_timeout,
        .children_max = options->children_max,
        .serve = serve,
        .userdata = options,
    };
    const char *what = NULL;
    int r = activation_take(&activation, &what);

    if (r < 0)
        return log_error_errno(r, "Failed to take the sockets: %s", what ? what : strerror(-r));
    r = fork_server_run(&server);
    if (r < 0)
        return log_error_errno(r, "Failed to serve: %m");
    return 0;
}

int main(int argc, char *argv[])
{
    Options options = {
        .challenges = CHALLENGE_DIRECTORY_DEFAULT,
        .idle_timeout = FORK_SERVER_IDLE_TIMEOUT,
        .children_max = FORK_SERVER_CHILDREN_MAX,
    };
    int r;

    log_open(PROGRAM);
    r = parse_argv(argc, argv, &options);
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    return run(&options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
