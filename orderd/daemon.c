/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon.h"

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
#include "event/timer.h"
#include "limits/holds.h"
#include "log/log.h"
#include "renewals/renewals.h"
#include "runtime-dir.h"
#include "service.h"
#include "statedir/challenges/challenge.h"
#include "status.h"

/* How long orders may go on after SIGTERM, so that waiting clients get their answers. The next
 * start resumes the others. */
#define DRAIN_TIMEOUT (30 * USEC_PER_SEC)

typedef struct Daemon {
    sd_event *event;
    Service service;
    VarlinkServer *server;
    Renewals *renewals;
    Solvers solvers;
    int tlsalpn01_fd;      /* directory of the tls-alpn-01 challenge files */
    Config *config;        /* the one of the start: its runtime directory stays in use */
    bool swept, dns_swept; /* the challenges of an earlier run are removed */
    bool sweep_failed;     /* that the files could not be removed is logged */
    sigset_t signals;      /* those in signal_table, handled by the event loop */
    bool draining;
    sd_event_source *status;    /* updates the status … */
    bool status_is_near;        /* … after a moment */
    sd_event_source *dns_sweep; /* cleans up in DNS again, … */
    bool dns_sweep_is_near;     /* … after a moment */
} Daemon;

/* Many changes within these times cause one update: going through all certificates or records for
 * each change would cost more than the changes. */
#define STATUS_DELAY       (500 * USEC_PER_MSEC)
#define STATUS_AGAIN       (10 * USEC_PER_SEC) /* while there is trouble */
#define DNS_SWEEP_DELAY    USEC_PER_SEC
#define DNS_SWEEP_INTERVAL (3600 * USEC_PER_SEC)

static void daemon_done(Daemon *daemon)
{
    varlink_server_free(daemon->server);
    renewals_free(daemon->renewals);
    orders_free(daemon->service.orders);
    inventory_free(daemon->service.inventory);
    /* Those above arm them: an order ends with the last call for it. */
    sd_event_source_disable_unref(daemon->status);
    sd_event_source_disable_unref(daemon->dns_sweep);
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
              "Some orders did not end in time. The next start resumes them.");
    return sd_event_exit(daemon->event, 0);
}

/* All waiting clients have their answers. The next start resumes orders without a client. */
static void exit_when_drained(void *userdata)
{
    const Daemon *daemon = userdata;

    if (daemon->draining && varlink_server_is_idle(daemon->server))
        (void)sd_event_exit(daemon->event, 0);
}

/* Trouble may end without an event here: the administrator registers an account. */
static void tell_status(Daemon *daemon)
{
    InventoryCount count = inventory_count(daemon->service.inventory, time(NULL));
    const Config *config = config_file_get(daemon->service.config_file);
    char text[STATUS_SIZE], trouble[STATUS_SIZE];

    status_describe_trouble(config, config_file_is_broken(daemon->service.config_file), trouble);
    (void)sd_notifyf(0, "STATUS=%s%s", trouble,
                     status_describe(orders_in_flight(daemon->service.orders), &count, text));
    daemon->status_is_near = false;
    if (*trouble)
        (void)timer_arm(daemon->status, STATUS_AGAIN);
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

    if (!daemon->status_is_near)
        (void)timer_arm(daemon->status, STATUS_DELAY);
    daemon->status_is_near = true;
}

static bool is_ordered(const char *name, void *userdata)
{
    return orders_have_name(userdata, name);
}

/* The CA may request the challenge of a resumed order before it is written again: the files of an
 * earlier run stay until the last resumed order has ended. After an error, the next change tries
 * again. */
static void sweep_challenges(Daemon *daemon)
{
    int r, q;

    if (daemon->swept || !orders_are_known(daemon->service.orders) ||
        orders_in_flight(daemon->service.orders) > 0)
        return;
    r = challenge_sweep(daemon->solvers.http01_fd);
    q = challenge_sweep(daemon->tlsalpn01_fd);
    r = r < 0 ? r : q;
    daemon->swept = r >= 0;
    if (r < 0 && !daemon->sweep_failed)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to remove the challenge files of earlier orders: %m");
    daemon->sweep_failed = r < 0;
}

/* Tries again to resume the orders on disk that could not be read. */
static void resume_missing(Daemon *daemon)
{
    if (daemon->draining || orders_are_known(daemon->service.orders))
        return;
    orders_resume(daemon->service.orders, config_file_get(daemon->service.config_file));
    sweep_challenges(daemon);
}

/* Removes TXT records that no order needs. Runs every hour, because a removal may have failed or
 * may need other servers or another key. @again: only records that resumed orders needed. */
static void sweep_dns(Daemon *daemon, bool again)
{
    daemon->dns_sweep_is_near = false;
    daemon->dns_swept =
        dns01_sweep(daemon->solvers.dns01, config_file_get(daemon->service.config_file), is_ordered,
                    daemon->service.orders, again);
    (void)timer_arm(daemon->dns_sweep, DNS_SWEEP_INTERVAL);
}

static int on_dns_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
    Daemon *daemon = userdata;

    (void)source;
    (void)usec;
    if (!daemon->dns_sweep_is_near)
        resume_missing(daemon);
    sweep_dns(daemon, daemon->dns_sweep_is_near);
    return 0;
}

/* While orders on disk are unknown, a sweep would find all records in use. */
static void sweep_dns_soon(Daemon *daemon)
{
    if (daemon->dns_swept || daemon->dns_sweep_is_near || !orders_are_known(daemon->service.orders))
        return;
    daemon->dns_sweep_is_near = true;
    (void)timer_arm(daemon->dns_sweep, DNS_SWEEP_DELAY);
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

/* The first signal lets orders in flight end, the second ends at once. */
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
    log_event(LOG_EVENT_STOPPING, NULL, "Stopping after %zu order(s) in progress",
              orders_in_flight(daemon->service.orders));
    varlink_server_close(daemon->server, exit_when_drained, daemon);
    exit_when_drained(daemon);
    return timer_start(daemon->event, DRAIN_TIMEOUT, on_drain_timeout, daemon, NULL);
}

/* A request reloads a changed configuration by itself; SIGHUP does so without one. Errors in it are
 * logged by config_file_get(). */
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
    resume_missing(daemon);
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

/* Waits for a valid configuration: if a service that a connection starts exits at once, the service
 * manager starts it again and again, and in the end closes the socket. Returns 1; 0 after a signal
 * to end; -errno. */
static int await_config(Daemon *daemon, const char *path)
{
    _cleanup_close_ int fd = signalfd(-1, &daemon->signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return log_error_errno(errno, "Failed to make a descriptor for signals: %m");
    (void)sd_notifyf(
        0, "READY=1\nSTATUS=Waiting for %s to be fixed: run 'acmemsctl check' to see its errors",
        path);
    while (!config_file_get(daemon->service.config_file)) {
        struct signalfd_siginfo info;

        (void)fd_wait(fd, POLLIN, now_monotonic() + USEC_PER_SEC);
        if (read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGHUP)
            return 0;
        (void)sd_notify(0, "WATCHDOG=1");
    }
    return 1;
}

static int open_config(Daemon *daemon, const char *path, bool is_activated)
{
    int r = config_file_watch_keys(path, &daemon->service.config_file);

    if (r < 0)
        return r;
    if (config_file_get(daemon->service.config_file))
        return 1;
    return is_activated ? await_config(daemon, path) : -EINVAL;
}

/* Each waiting handler and each connection to the CA needs a descriptor. The soft limit is low only
 * for programs that use select(). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_stored(const Storage *storage, const char *key, const Renewal *renewal,
                      void *userdata)
{
    inventory_note(userdata, storage, key, renewal);
}

static int set_up(Daemon *daemon, int *listener)
{
    Service *service = &daemon->service;
    int r;

    service->full.interval = SERVICE_FULL_INTERVAL;
    r = timer_start(daemon->event, STATUS_DELAY, on_status, daemon, &daemon->status);
    if (r >= 0)
        r = timer_start(daemon->event, DNS_SWEEP_INTERVAL, on_dns_sweep, daemon,
                        &daemon->dns_sweep);
    if (r >= 0)
        r = inventory_new(daemon->event, on_inventory, daemon, &service->inventory);
    if (r >= 0)
        r = dns01_new(daemon->event, &daemon->solvers.dns01);
    if (r >= 0)
        r = tlsalpn01_new(daemon->event, daemon->tlsalpn01_fd, &daemon->solvers.tlsalpn01);
    if (r >= 0)
        r = orders_new(daemon->event, &daemon->solvers, &service->orders);
    if (r >= 0)
        r = renewals_new(daemon->event, service->config_file, service->inventory, service->orders,
                         &daemon->renewals);
    if (r >= 0)
        r = varlink_server_new(daemon->event, *listener, &orders_interface, service,
                               &daemon->server);
    if (r < 0)
        return r;
    TAKE_FD(*listener);
    orders_set_change_callback(service->orders, on_change, daemon);
    orders_set_stored_callback(service->orders, on_stored, service->inventory);
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

int daemon_run(const char *config_path, int inherited)
{
    _cleanup_close_ int listener = inherited;
    _cleanup_(daemon_done) Daemon daemon = { .solvers.http01_fd = -EBADF, .tlsalpn01_fd = -EBADF };
    int r;

    /* The memory will hold the account's key. */
    confine_memory();
    r = block_signals(&daemon);
    if (r < 0)
        return log_error_errno(r, "Failed to block signals: %m");
    r = open_config(&daemon, config_path, listener >= 0);
    if (r <= 0)
        return r;
    daemon.config = config_ref(config_file_get(daemon.service.config_file));
    raise_descriptor_limit();

    r = sd_event_default(&daemon.event);
    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r, "Failed to create the event loop: %m");
    /* The socket comes first: its owner is the only acmems-orderd, and may clean up. */
    if (listener < 0)
        listener = runtime_bind_socket(daemon.config);
    if (listener < 0)
        return listener;
    r = open_challenges(&daemon);
    if (r < 0)
        return r;
    r = set_up(&daemon, &listener);
    if (r < 0)
        return log_event_errno(LOG_EVENT_START_FAILED, r, "Failed to start the service: %m");

    (void)sd_event_set_watchdog(daemon.event, true);
    (void)sd_notify(0, "READY=1");
    r = sd_event_loop(daemon.event);
    if (r < 0)
        return log_error_errno(r, "The event loop failed: %m");
    return 0;
}
