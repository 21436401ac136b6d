/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acmems-orderd: owns the ACME account and every order. */

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include "base/confinement.h"
#include "base/io.h"
#include "challenges/dns01.h"
#include "challenges/tlsalpn01.h"
#include "limits/holds.h"
#include "log/log.h"
#include "renewals/renewals.h"
#include "runtime-dir.h"
#include "service.h"
#include "status.h"

/* After SIGTERM those who wait may get their answers; what is not done by then is the next one's.
 */
#define DRAIN_TIMEOUT (30 * USEC_PER_SEC)

static const char *arg_config = NULL;

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

typedef struct Daemon {
    sd_event *event;
    Service service;
    VarlinkServer *server;
    Renewals *renewals;
    Solvers solvers;
    int tlsalpn01_fd;      /* directory of the tls-alpn-01 challenge files */
    Config *config;        /* of the start, for what comes from before it */
    bool swept, dns_swept; /* the challenges of a former life are gone */
    sigset_t signals;      /* those that are taken in turn: see signal_table */
    bool draining;
    sd_event_source *status;    /* tells the status, in a moment */
    sd_event_source *dns_sweep; /* looks again for what is left in DNS, … */
    bool dns_sweep_is_near;     /* … in a moment */
} Daemon;

/* To look through all certificates, or all records, for each of many changes would be more work
 * than the changes. */
#define STATUS_DELAY       (500 * USEC_PER_MSEC)
#define DNS_SWEEP_DELAY    USEC_PER_SEC
#define DNS_SWEEP_INTERVAL (3600 * USEC_PER_SEC)

static void daemon_done(Daemon *daemon)
{
    sd_event_source_disable_unref(daemon->status);
    sd_event_source_disable_unref(daemon->dns_sweep);
    varlink_server_free(daemon->server);
    renewals_free(daemon->renewals);
    orders_free(daemon->service.orders);
    inventory_free(daemon->service.inventory);
    dns01_free(daemon->solvers.dns01);
    tlsalpn01_free(daemon->solvers.tlsalpn01);
    config_unref(daemon->config);
    config_file_free(daemon->service.config_file);
    sd_event_unref(daemon->event);
    (void)safe_close(daemon->solvers.http01_fd);
    (void)safe_close(daemon->tlsalpn01_fd);
}

static int on_drain_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
    Daemon *daemon = userdata;

    (void)source;
    (void)usec;
    log_event(LOG_EVENT_GIVEN_UP, NULL,
              "Orders in flight did not end in time: the next start takes them up");
    return sd_event_exit(daemon->event, 0);
}

/* Who waits is told; orders that nobody waits for are taken up by the next one. */
static void exit_when_drained(void *userdata)
{
    const Daemon *daemon = userdata;

    if (daemon->draining && varlink_server_is_idle(daemon->server))
        (void)sd_event_exit(daemon->event, 0);
}

static void tell_status(const Daemon *daemon)
{
    InventoryCount count = inventory_count(daemon->service.inventory, time(NULL));
    char text[STATUS_SIZE];

    (void)sd_notifyf(0, "STATUS=%s",
                     status_describe(orders_in_flight(daemon->service.orders), &count, text));
}

static int on_status(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    tell_status(userdata);
    return 0;
}

static void tell_status_soon(void *userdata)
{
    Daemon *daemon = userdata;
    int enabled = SD_EVENT_OFF;

    (void)sd_event_source_get_enabled(daemon->status, &enabled);
    if (enabled != SD_EVENT_OFF)
        return;
    (void)sd_event_source_set_time_relative(daemon->status, STATUS_DELAY);
    (void)sd_event_source_set_enabled(daemon->status, SD_EVENT_ONESHOT);
}

static bool is_ordered(const char *name, void *userdata)
{
    return orders_have_name(userdata, name);
}

/* The CA may ask for a challenge of an order that was taken up before it is written again: those
 * that are there stay until the last such order has ended. */
static void sweep_challenges(Daemon *daemon)
{
    if (daemon->swept || !orders_are_known(daemon->service.orders) ||
        orders_in_flight(daemon->service.orders) > 0)
        return;
    runtime_sweep_challenges(daemon->solvers.http01_fd);
    runtime_sweep_challenges(daemon->tlsalpn01_fd);
    daemon->swept = true;
}

static void sweep_dns_in(Daemon *daemon, usec_t delay)
{
    (void)sd_event_source_set_time_relative(daemon->dns_sweep, delay);
    (void)sd_event_source_set_enabled(daemon->dns_sweep, SD_EVENT_ONESHOT);
}

/* Again and again: for what could not be removed, or only by other servers or another key than
 * those of then. @again: only what was needed by orders that were taken up. */
static void sweep_dns(Daemon *daemon, bool again)
{
    daemon->dns_sweep_is_near = false;
    daemon->dns_swept =
        dns01_sweep(daemon->solvers.dns01, config_file_get(daemon->service.config_file), is_ordered,
                    daemon->service.orders, again);
    sweep_dns_in(daemon, DNS_SWEEP_INTERVAL);
}

static int on_dns_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
    Daemon *daemon = userdata;

    (void)source;
    (void)usec;
    sweep_dns(daemon, daemon->dns_sweep_is_near);
    return 0;
}

static void sweep_dns_soon(Daemon *daemon)
{
    if (daemon->dns_swept || daemon->dns_sweep_is_near)
        return;
    daemon->dns_sweep_is_near = true;
    sweep_dns_in(daemon, DNS_SWEEP_DELAY);
}

static void on_inventory(void *userdata)
{
    const Daemon *daemon = userdata;

    tell_status_soon(userdata);
    if (daemon->renewals)
        renewals_wake(daemon->renewals);
}

static void on_change(void *userdata)
{
    tell_status_soon(userdata);
    sweep_challenges(userdata);
    sweep_dns_soon(userdata);
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
    daemon->renewals = renewals_free(daemon->renewals);
    (void)sd_notify(0, "STOPPING=1");
    log_event(LOG_EVENT_STOPPING, NULL, "Ending after the %zu order(s) in flight",
              orders_in_flight(daemon->service.orders));
    varlink_server_close(daemon->server, exit_when_drained, daemon);
    exit_when_drained(daemon);
    return sd_event_add_time_relative(daemon->event, NULL, CLOCK_MONOTONIC, DRAIN_TIMEOUT, 0,
                                      on_drain_timeout, daemon);
}

/* The configuration is read anew by itself, at the next request; this is for who does not want to
 * wait for one. What is wrong with it was said then. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
    Daemon *daemon = userdata;
    Config *config;

    (void)source;
    (void)si;
    if (daemon->draining)
        return 0;
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_monotonic());
    config = config_file_get(daemon->service.config_file);
    (void)inventory_use(daemon->service.inventory, config);
    orders_check_profiles(daemon->service.orders, config);
    sweep_dns(daemon, false);
    (void)sd_notify(0, "READY=1");
    tell_status(daemon);
    return 0;
}

static const struct {
    int number;
    sd_event_signal_handler_t handler;
} signal_table[] = {
    { SIGTERM, on_terminate },
    { SIGINT, on_terminate },
    { SIGHUP, on_reload },
};

static int block_signals(Daemon *daemon)
{
    (void)sigemptyset(&daemon->signals);
    for (size_t i = 0; i < ELEMENTSOF(signal_table); i++)
        (void)sigaddset(&daemon->signals, signal_table[i].number);
    (void)signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &daemon->signals, NULL) < 0 ? -errno : 0;
}

static int add_signals(Daemon *daemon)
{
    for (size_t i = 0; i < ELEMENTSOF(signal_table); i++) {
        int r = sd_event_add_signal(daemon->event, NULL, signal_table[i].number,
                                    signal_table[i].handler, daemon);

        if (r < 0)
            return r;
    }
    return 0;
}

/* Started for a connection, a service that ends at once would be started over and over, until the
 * service manager gives its socket up. So it stays, and waits for the administrator. 1; 0 when it
 * is to end; -errno. */
static int await_config(Daemon *daemon)
{
    _cleanup_close_ int fd = -EBADF;

    if (sd_listen_fds(0) <= 0)
        return -EINVAL;
    fd = signalfd(-1, &daemon->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return log_error_errno(errno, "Signals cannot be waited for: %m");
    (void)sd_notifyf(0,
                     "READY=1\nSTATUS=Waits for %s to be mended: 'acmemsctl check' says what is "
                     "wrong with it",
                     arg_config);
    while (!config_file_get(daemon->service.config_file)) {
        struct signalfd_siginfo info;

        (void)fd_wait(fd, POLLIN, now_monotonic() + USEC_PER_SEC);
        if (read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGHUP)
            return 0;
        (void)sd_notify(0, "WATCHDOG=1");
    }
    return 1;
}

static int open_config(Daemon *daemon)
{
    int r = config_file_watch_keys(arg_config, &daemon->service.config_file);

    if (r < 0)
        return r;
    return config_file_get(daemon->service.config_file) ? 1 : await_config(daemon);
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

static int set_up(Daemon *daemon, int *listener)
{
    Service *service = &daemon->service;
    int r;

    r = sd_event_add_time_relative(daemon->event, &daemon->status, CLOCK_MONOTONIC, STATUS_DELAY, 0,
                                   on_status, daemon);
    if (r >= 0)
        r = sd_event_add_time_relative(daemon->event, &daemon->dns_sweep, CLOCK_MONOTONIC,
                                       DNS_SWEEP_INTERVAL, 0, on_dns_sweep, daemon);
    if (r >= 0)
        r = inventory_new(daemon->event, on_inventory, daemon, &service->inventory);
    if (r >= 0)
        r = dns01_new(daemon->event, &daemon->solvers.dns01);
    if (r >= 0)
        r = tlsalpn01_new(daemon->event, daemon->tlsalpn01_fd, &daemon->solvers.tlsalpn01);
    if (r >= 0)
        r = orders_new(daemon->event, &daemon->solvers, service->inventory, &service->orders);
    if (r >= 0)
        r = renewals_new(daemon->event, service->config_file, service->inventory, service->orders,
                         &daemon->renewals);
    if (r >= 0)
        r = varlink_server_new(daemon->event, *listener, &orders_interface, SERVICE_FRAME_MAX,
                               service, &daemon->server);
    if (r < 0)
        return r;
    TAKE_FD(*listener);
    orders_set_change_callback(service->orders, on_change, daemon);
    r = inventory_use(service->inventory, config_file_get(service->config_file));
    if (r < 0)
        return r;
    holds_sweep(config_file_get(service->config_file)->state_directory);
    session_sweep(config_file_get(service->config_file)->state_directory);
    orders_resume(service->orders, config_file_get(service->config_file));
    orders_check_profiles(service->orders, config_file_get(service->config_file));
    sweep_challenges(daemon);
    sweep_dns(daemon, false);
    return add_signals(daemon);
}

static int open_challenges(Daemon *daemon)
{
    daemon->solvers.http01_fd = runtime_open_challenges(daemon->config, "http-01");
    if (daemon->solvers.http01_fd < 0)
        return daemon->solvers.http01_fd;
    daemon->tlsalpn01_fd = runtime_open_challenges(daemon->config, "tls-alpn-01");
    return daemon->tlsalpn01_fd < 0 ? daemon->tlsalpn01_fd : 0;
}

static int run(void)
{
    _cleanup_close_ int listener = -EBADF;
    _cleanup_(daemon_done) Daemon daemon = { .solvers.http01_fd = -EBADF, .tlsalpn01_fd = -EBADF };
    int r;

    /* The account's key is in its memory. */
    confine_memory();
    r = block_signals(&daemon);
    if (r < 0)
        return log_error_errno(r, "Signals cannot be blocked: %m");
    r = open_config(&daemon);
    if (r <= 0)
        return r;
    daemon.config = config_ref(config_file_get(daemon.service.config_file));
    raise_descriptor_limit();

    r = sd_event_default(&daemon.event);
    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r, "Event loop cannot be made: %m");
    /* The socket first: who has it is the only one, and may sweep. */
    listener = runtime_open_socket(daemon.config);
    if (listener < 0)
        return listener;
    r = open_challenges(&daemon);
    if (r < 0)
        return r;
    r = set_up(&daemon, &listener);
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
    char config[PATH_MAX];
    int r;

    arg_config = config_file_default(config);
    r = parse_argv(argc, argv);
    if (r <= 0)
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    log_open("acmems-orderd");
    return run() < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
