/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmems-orderd: owns the ACME account and every order. */

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "atomic-file.h"
#include "challenge.h"
#include "clock.h"
#include "log.h"
#include "service.h"

/* After SIGTERM orders in flight may end; those that do not by then are given up. */
#define DRAIN_TIMEOUT (30 * USEC_PER_SEC)

static const char *arg_config = CONFIG_FILE_DEFAULT;

static void help(void)
{
    printf("acmems-orderd [OPTION…]\n\n"
           "Order certificates from an ACME CA for acmems-sign.\n\n"
           "  -c --config=FILE  Configuration (default " CONFIG_FILE_DEFAULT ")\n"
           "  -h --help         Show this help\n"
           "     --version      Show the version\n\n"
           "Its unix socket comes from systemd, else it makes <runtime-directory>/orderd.sock.\n");
}

/* 1: go on; 0: done; negative: wrong use. */
static int parse_argv(int argc, char *argv[])
{
    enum { ARG_VERSION = 0x100 };
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) >= 0)
        switch (c) {
        case 'c':
            arg_config = optarg;
            break;
        case 'h':
            help();
            return 0;
        case ARG_VERSION:
            puts("acmems-orderd " ACMEMS_VERSION);
            return 0;
        default:
            return -EINVAL;
        }
    if (optind < argc) {
        fprintf(stderr, "acmems-orderd: takes no arguments, but '%s' was given\n", argv[optind]);
        return -EINVAL;
    }
    return 1;
}

static int check_inherited(int fd)
{
    if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL,
                               "The inherited descriptor is not a listening unix stream socket");
    return fd;
}

/* Binds the socket; one that a process left which is not there any more is replaced. */
static int bind_socket(const char *runtime_directory)
{
    _cleanup_close_ int fd = -EBADF, directory = -EBADF;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t mask;
    int n, r;

    directory = directory_open(runtime_directory, 0755);
    if (directory < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, directory,
                               "Runtime directory '%s' cannot be used: %m", runtime_directory);
    n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/orderd.sock", runtime_directory);
    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return log_event_errno(LOG_EVENT_START_FAILED, ENAMETOOLONG,
                               "Socket in '%s' cannot be made: %m", runtime_directory);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, errno, "Socket cannot be made: %m");
    /* Anything but a refusal comes from one that lives, be it too busy to answer (EAGAIN). */
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
        (errno != ECONNREFUSED && errno != ENOENT))
        return log_event_errno(LOG_EVENT_START_FAILED, EADDRINUSE,
                               "Another acmems-orderd serves '%s'", address.sun_path);
    if (unlink(address.sun_path) < 0 && errno != ENOENT)
        return log_event_errno(LOG_EVENT_START_FAILED, errno,
                               "Old socket '%s' cannot be removed: %m", address.sun_path);

    mask = umask(0117);
    r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    umask(mask);
    if (r < 0 || listen(fd, SOMAXCONN) < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r < 0 ? r : errno,
                               "Socket '%s' cannot be bound: %m", address.sun_path);
    return TAKE_FD(fd);
}

static int open_socket(const Config *config)
{
    int n = sd_listen_fds(1);

    if (n < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, n, "Inherited sockets cannot be taken: %m");
    if (n > 1)
        return log_event_errno(LOG_EVENT_START_FAILED, EINVAL,
                               "More than one socket was handed over");
    return n == 1 ? check_inherited(SD_LISTEN_FDS_START) : bind_socket(config->runtime_directory);
}

/* Opens the directory of the challenge files, and removes those of a former life: no order uses
 * them any more. */
static int open_challenges(const Config *config)
{
    _cleanup_free_ char *path = NULL;
    struct dirent *entry;
    DIR *dir;
    int fd;

    if (asprintf(&path, "%s/challenges/http-01", config->runtime_directory) < 0) {
        path = NULL;
        return log_oom();
    }
    fd = directory_open(path, 0755);
    if (fd < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, fd,
                               "Challenge directory '%s' cannot be used: %m", path);
    (void)atomic_clean_at(fd);
    dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (!dir) {
        int r = log_event_errno(LOG_EVENT_START_FAILED, errno,
                                "Challenge directory '%s' cannot be read: %m", path);

        safe_close(fd);
        return r;
    }
    while ((entry = readdir(dir)))
        if (challenge_token_is_valid(entry->d_name))
            (void)challenge_remove(fd, entry->d_name);
    (void)closedir(dir);
    return fd;
}

typedef struct Daemon {
    sd_event *event;
    Service service;
    VarlinkServer *server;
    bool draining;
} Daemon;

static void daemon_done(Daemon *daemon)
{
    varlink_server_free(daemon->server);
    orders_free(daemon->service.orders);
    config_file_free(daemon->service.config_file);
    sd_event_unref(daemon->event);
}

static int on_drain_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
    Daemon *daemon = userdata;

    (void)source;
    (void)usec;
    log_event(LOG_EVENT_GIVEN_UP, NULL, "Orders in flight did not end in time: they are given up");
    return sd_event_exit(daemon->event, 0);
}

/* Orders whose clients are gone end without anybody connected; and answers take their time to be
 * sent when the orders have ended. */
static void exit_when_drained(void *userdata)
{
    Daemon *daemon = userdata;

    if (orders_in_flight(daemon->service.orders) == 0 && varlink_server_is_idle(daemon->server))
        (void)sd_event_exit(daemon->event, 0);
}

/* The first signal lets orders in flight end, the second does not wait for them. */
static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
    Daemon *daemon = userdata;

    (void)source;
    (void)si;
    if (daemon->draining)
        return sd_event_exit(daemon->event, 0);
    daemon->draining = true;
    (void)sd_notify(0, "STOPPING=1");
    log_event(LOG_EVENT_STOPPING, NULL, "Ending after the %zu order(s) in flight",
              orders_in_flight(daemon->service.orders));
    orders_set_idle_callback(daemon->service.orders, exit_when_drained, daemon);
    varlink_server_close(daemon->server, exit_when_drained, daemon);
    exit_when_drained(daemon);
    return sd_event_add_time_relative(daemon->event, NULL, CLOCK_MONOTONIC, DRAIN_TIMEOUT, 0,
                                      on_drain_timeout, daemon);
}

static int add_signals(Daemon *daemon)
{
    static const int signals[] = { SIGTERM, SIGINT };
    sigset_t mask;
    int r;

    (void)sigemptyset(&mask);
    for (size_t i = 0; i < ELEMENTSOF(signals); i++)
        (void)sigaddset(&mask, signals[i]);
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        return -errno;
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ELEMENTSOF(signals); i++) {
        r = sd_event_add_signal(daemon->event, NULL, signals[i], on_terminate, daemon);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Every waiting handler is a descriptor, and so is every connection to the CA; the soft limit is
 * low for the sake of programs that use select() only. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int run(void)
{
    _cleanup_close_ int challenges = -EBADF, listener = -EBADF;
    _cleanup_(daemon_done) Daemon daemon = { 0 };
    const Config *config;
    int r;

    r = config_file_open(arg_config, &daemon.service.config_file);
    if (r < 0)
        return r;
    config = config_file_get(daemon.service.config_file);
    raise_descriptor_limit();

    r = sd_event_default(&daemon.event);
    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r, "Event loop cannot be made: %m");
    /* The socket first: who has it is the only one, and may sweep. */
    listener = open_socket(config);
    if (listener < 0)
        return listener;
    challenges = open_challenges(config);
    if (challenges < 0)
        return challenges;

    r = orders_new(daemon.event, challenges, &daemon.service.orders);
    if (r >= 0)
        r = varlink_server_new(daemon.event, listener, &orders_interface, SERVICE_FRAME_MAX,
                               &daemon.service, &daemon.server);
    if (r >= 0) {
        TAKE_FD(listener);
        r = add_signals(&daemon);
    }
    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r, "The service cannot be set up: %m");

    (void)sd_event_set_watchdog(daemon.event, true);
    (void)sd_notify(0, "READY=1");
    r = sd_event_loop(daemon.event);
    if (r < 0)
        return log_error_errno(r, "Event loop failed: %m");
    return 0;
}

int main(int argc, char *argv[])
{
    int r;

    r = parse_argv(argc, argv);
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    log_open("acmems-orderd");
    return run() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
