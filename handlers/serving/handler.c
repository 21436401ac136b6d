/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serving/handler.h"

#include <getopt.h>
#include <stdio.h>

#include "base/confinement.h"
#include "base/macro.h"
#include "log/log.h"
#include "processes/activation.h"

typedef struct Options {
    const char *values[HANDLER_OPTIONS_MAX];
    usec_t idle_timeout;
    unsigned children_max;
    unsigned source_max; /* 0: not set */
} Options;

static size_t n_options(const HandlerProgram *program)
{
    size_t n = 0;

    while (n < HANDLER_OPTIONS_MAX && program->options[n].name)
        n++;
    return n;
}

static void print_help(const HandlerProgram *program)
{
    printf("Usage: %s [OPTION…]\n"
           "\n"
           "%s on the sockets that systemd or inetd passes.\n"
           "\n",
           program->name, program->summary);
    for (size_t i = 0; i < n_options(program); i++) {
        const HandlerOption *option = &program->options[i];

        printf("  --%s=%s\n"
               "                      %s (%s)\n",
               option->name, option->value, option->help, str_or(option->otherwise, "none"));
    }
    printf("  --idle-timeout=SEC  exit after this time without a connection (60; 0: never)\n"
           "  --children-max=N    maximum number of connections served at once (%u)\n"
           "  --source-max=N      the same for one source: an IPv4 address or an IPv6 /64\n"
           "                      (a quarter of --children-max)\n"
           "  --help              print this help\n"
           "  --version           print the version\n",
           FORK_SERVER_CHILDREN_MAX);
}

static int refuse_value(const char *option, const char *value)
{
    return log_error_errno(EINVAL, "--%s: '%s' is not a number or is out of range", option, value);
}

/* Returns 1 to go on, 0 when the program is done, or -EINVAL, which it has logged. */
static int handler_parse_argv(int argc, char *argv[], const HandlerProgram *program,
                              Options *options)
{
    enum { IDLE_TIMEOUT = 256, CHILDREN_MAX, SOURCE_MAX, HELP, VERSION, OWN };
    struct option table[6 + HANDLER_OPTIONS_MAX] = {
        { "idle-timeout", required_argument, NULL, IDLE_TIMEOUT },
        { "children-max", required_argument, NULL, CHILDREN_MAX },
        { "source-max", required_argument, NULL, SOURCE_MAX },
        { "help", no_argument, NULL, HELP },
        { "version", no_argument, NULL, VERSION },
        { 0 },
    };
    int option, index = 0;

    for (size_t i = 0; i < n_options(program); i++)
        table[5 + i] =
            (struct option){ program->options[i].name, required_argument, NULL, OWN + (int)i };
    /* Standard error may be the client's connection: getopt must not print to it. */
    opterr = 0;
    while ((option = getopt_long(argc, argv, "", table, &index)) >= 0)
        switch (option) {
        case IDLE_TIMEOUT:
            if (fork_server_parse_idle_timeout(optarg, &options->idle_timeout) < 0)
                return refuse_value(table[index].name, optarg);
            break;
        case CHILDREN_MAX:
            if (fork_server_parse_children_max(optarg, &options->children_max) < 0)
                return refuse_value(table[index].name, optarg);
            break;
        case SOURCE_MAX:
            if (fork_server_parse_children_max(optarg, &options->source_max) < 0)
                return refuse_value(table[index].name, optarg);
            break;
        case HELP:
            print_help(program);
            return 0;
        case VERSION:
            printf("%s " ACMEMS_VERSION "\n", program->name);
            return 0;
        default:
            if (option >= OWN) {
                options->values[option - OWN] = optarg;
                break;
            }
            return log_error_errno(EINVAL,
                                   "Unknown option '%s', or its value is missing; see --help",
                                   argv[optind - 1]);
        }
    if (optind < argc)
        return log_error_errno(EINVAL, "Unexpected argument '%s'; see --help", argv[optind]);
    return 1;
}

static int handler_run(const HandlerProgram *program, Options *options)
{
    _cleanup_(activation_done) Activation activation = { 0 };
    ForkServer server = {
        .activation = &activation,
        .idle_timeout = options->idle_timeout,
        .children_max = options->children_max,
        .source_max = options->source_max ? options->source_max
                                          : fork_server_source_max(options->children_max),
        .lifetime = program->lifetime,
        .outbound = program->outbound,
        .identify = program->identify,
        .has_arrived = program->has_arrived,
        .prepare = program->prepare,
        .serve = program->serve,
        .crowded = program->crowded,
        .late = program->late,
    };
    const char *what = NULL;
    /* The handlers never write to the value through this pointer. */
    void *userdata = (void *)(uintptr_t)options->values[0];
    int r = activation_take(&activation, &what);

    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r, "Failed to take over the sockets: %s",
                               str_or(what, strerror(-r)));
    if (program->open) {
        r = program->open(options->values, &userdata);
        if (r < 0)
            return r;
    }
    server.userdata = userdata;
    if (program->adapt)
        program->adapt(&server, userdata);
    r = fork_server_run(&server);
    if (program->close)
        program->close(userdata);
    return r < 0 ? log_error_errno(r, "Failed to serve connections: %m") : 0;
}

void handler_log_begin(HttpExchange *exchange, _unused_ void *userdata)
{
    static LogFields fields; /* static: a process serves one request at a time */
    char peer[INET6_ADDRSTRLEN];

    log_fields_done(&fields);
    log_fields_add(&fields, LOG_FIELD_REQUEST_ID, http_request_id(exchange));
    log_fields_add(&fields, LOG_FIELD_CLIENT, socket_address_format(http_peer(exchange), peer));
    log_set_context(&fields);
}

int handler_confine_network(void)
{
    int r = confine_network();

    return r < 0 ? log_event_errno(LOG_EVENT_NOT_CONFINED, r,
                                   "Closed a connection: failed to confine its process: %m")
                 : 0;
}

int handler_main(int argc, char *argv[], const HandlerProgram *program)
{
    Options options = {
        .idle_timeout = FORK_SERVER_IDLE_TIMEOUT,
        .children_max = FORK_SERVER_CHILDREN_MAX,
    };
    int r;

    for (size_t i = 0; i < n_options(program); i++)
        options.values[i] = program->options[i].otherwise;
    log_open(program->name);
    r = handler_parse_argv(argc, argv, program, &options);
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (log_limit_repeated() < 0)
        return log_oom() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    return handler_run(program, &options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
