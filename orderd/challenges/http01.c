/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/http01.h"

#include <stdio.h>

#include "base/listening.h"
#include "log/log.h"
#include "statedir/challenge.h"

typedef struct Publication {
    int fd;
    char *name;
    char *token;
} Publication;

static void publication_free(Publication *p)
{
    free(p->name);
    free(p->token);
    free(p);
}

DEFINE_CLEANUP_FUNC(Publication *, publication_free)

/* *ret is set even if the write failed, so that a partial file is removed. */
static int http01_publish(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                          void *userdata, void **ret)
{
    _cleanup_(publication_freep) Publication *p = calloc(1, sizeof(*p));
    int r = -ENOMEM;

    (void)callback;
    (void)userdata;
    if (p) {
        p->fd = solvers->http01_fd;
        p->name = strdup(challenge->name);
        p->token = strdup(challenge->token);
        if (p->name && p->token)
            r = challenge_write(p->fd, p->token, challenge->key_authorization);
    }
    if (r < 0)
        log_event_errno(LOG_EVENT_CHALLENGE_NOT_WRITTEN, r,
                        "Failed to write the challenge file for %s: %m", challenge->name);
    if (p && p->token)
        *ret = TAKE_PTR(p);
    return r < 0 ? r : 1;
}

static void http01_withdraw(void *publication)
{
    _cleanup_(publication_freep) Publication *p = publication;
    int r = challenge_remove(p->fd, p->token);

    if (r < 0)
        log_warning_errno(r, "Failed to remove the challenge file for %s: %m",
                          str_or(p->name, "?"));
}

/* The web server in front has no process behind it to ask, or passes nothing on. */
static bool is_of_front_server(const char *said)
{
    static const char *const statuses[] = { "404", "502", "503" };

    for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
        if (strstr(said, statuses[i]))
            return true;
    return false;
}

static bool is_open(const Verification *verification)
{
    for (size_t i = 0; i < verification->n_listeners; i++)
        if (listening_at(&verification->listeners[i]) != 0)
            return true;
    return verification->n_listeners == 0; /* another program answers */
}

static char *http01_suspects(const Verification *verification, const char *said)
{
    char address[LISTEN_ADDRESS_SIZE], *why;

    if (!is_of_front_server(said) || is_open(verification))
        return NULL;
    return asprintf(&why,
                    "no process of the server listens at %s: run systemctl enable --now "
                    "acmems-http01.socket there",
                    listen_address_format(&verification->listeners[0], address)) < 0
               ? NULL
               : why;
}

const Solver http01_solver = {
    .type = "http-01",
    .not_offered = "the CA offers no http-01 challenge (a wildcard needs dns-01)",
    .serves_addresses = true,
    .publish = http01_publish,
    .suspects = http01_suspects,
    .withdraw = http01_withdraw,
};
