/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/http01.h"

#include "challenges/closed-listeners.h"
#include "log/log.h"
#include "statedir/challenges/challenge.h"

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

static char *http01_suspects(const Verification *verification)
{
    return closed_listeners_describe(verification, "acmems-http01.socket");
}

const Solver http01_solver = {
    .type = "http-01",
    .not_offered = "the CA offers no http-01 challenge (a wildcard needs dns-01)",
    .serves_addresses = true,
    .publish = http01_publish,
    .suspects = http01_suspects,
    .withdraw = http01_withdraw,
};
