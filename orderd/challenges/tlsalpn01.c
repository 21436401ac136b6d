/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/tlsalpn01.h"

#include <stdio.h>
#include <sys/queue.h>

#include "challenges/alpn-certificate.h"
#include "challenges/closed-listeners.h"
#include "log/log.h"

/* The answer for a server name, in place or waiting for its turn. */
typedef struct Publication {
    TlsAlpn01 *tlsalpn01;
    TAILQ_ENTRY(Publication) list;
    char *name; /* of the authorization */
    char *key_authorization;
    AlpnIdentifier identifier;
    bool is_written; /* a file may exist */
    bool is_told;    /* the callback was called, or is not due */
    solver_cb callback;
    void *userdata;
} Publication;

typedef TAILQ_HEAD(Publications, Publication) Publications;

struct TlsAlpn01 {
    int fd;
    Publications publications; /* in the order of arrival */
    sd_event_source *turn;     /* publishes the next ones in line */
};

static Publication *publication_free(Publication *p)
{
    free(p->name);
    free(p->key_authorization);
    free(p);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Publication *, publication_free)

/* The publication whose turn it is. */
static Publication *find_first(const TlsAlpn01 *tlsalpn01, const char *server_name)
{
    Publication *p;

    TAILQ_FOREACH (p, &tlsalpn01->publications, list)
        if (streq(p->identifier.server_name, server_name))
            return p;
    return NULL;
}

static bool is_its_turn(const Publication *p)
{
    return find_first(p->tlsalpn01, p->identifier.server_name) == p;
}

static int write_challenge(Publication *p)
{
    _cleanup_(tls_challenge_done) TlsChallenge challenge = { 0 };
    int r = alpn_certificate_make(&p->identifier, p->key_authorization, &challenge);

    p->is_written = true;
    if (r >= 0)
        r = tls_challenge_write(p->tlsalpn01->fd, p->identifier.server_name, &challenge);
    if (r < 0)
        log_event_errno(LOG_EVENT_CHALLENGE_NOT_WRITTEN, r,
                        "Failed to write the challenge file for %s: %m", p->name);
    return r;
}

static void publication_tell(Publication *p, int r)
{
    Failure failure = { 0 };

    p->is_told = true;
    if (r < 0)
        failure_set(&failure, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                    "%s: The server cannot answer its challenges. The server's journal says why.",
                    p->name);
    /* The callback may withdraw it. */
    p->callback(r < 0 ? &failure : NULL, p->userdata);
    failure_done(&failure);
}

static Publication *find_waiting(const TlsAlpn01 *tlsalpn01)
{
    Publication *p;

    TAILQ_FOREACH (p, &tlsalpn01->publications, list)
        if (!p->is_told && is_its_turn(p))
            return p;
    return NULL;
}

/* Search again each time: a callback may withdraw any of them. */
static int on_turn(sd_event_source *source, void *userdata)
{
    const TlsAlpn01 *tlsalpn01 = userdata;
    Publication *p;

    (void)source;
    while ((p = find_waiting(tlsalpn01)))
        publication_tell(p, write_challenge(p));
    return 0;
}

static int new_publication(TlsAlpn01 *tlsalpn01, const Challenge *challenge, Publication **ret)
{
    _cleanup_(publication_freep) Publication *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->tlsalpn01 = tlsalpn01;
    p->name = strdup(challenge->name);
    p->key_authorization = strdup(challenge->key_authorization);
    if (!p->name || !p->key_authorization)
        return -ENOMEM;
    *ret = TAKE_PTR(p);
    return 0;
}

static int tlsalpn01_publish(const Solvers *solvers, const Challenge *challenge, solver_cb callback,
                             void *userdata, void **ret)
{
    Publication *p = NULL;
    int r = new_publication(solvers->tlsalpn01, challenge, &p);

    if (r >= 0)
        r = alpn_identifier_parse(challenge->name, &p->identifier);
    if (r < 0) {
        if (p)
            publication_free(p);
        return log_event_errno(LOG_EVENT_CHALLENGE_NOT_WRITTEN, r,
                               "Failed to write the challenge file for %s: %m", challenge->name);
    }
    p->callback = callback;
    p->userdata = userdata;
    TAILQ_INSERT_TAIL(&p->tlsalpn01->publications, p, list);
    *ret = p;
    if (!is_its_turn(p))
        return 0;
    p->is_told = true;
    r = write_challenge(p);
    return r < 0 ? r : 1;
}

static char *tlsalpn01_waits_for(void *publication)
{
    const Publication *p = publication;

    return p->is_told ? NULL
                      : strdup("the challenge of another order for the same name must end first");
}

static void tlsalpn01_withdraw(void *publication)
{
    _cleanup_(publication_freep) Publication *p = publication;
    TlsAlpn01 *tlsalpn01 = p->tlsalpn01;
    int r = p->is_written ? tls_challenge_remove(tlsalpn01->fd, p->identifier.server_name) : 0;

    if (r < 0)
        log_warning_errno(r, "Failed to remove the challenge file for %s: %m", p->name);
    TAILQ_REMOVE(&tlsalpn01->publications, p, list);
    (void)sd_event_source_set_enabled(tlsalpn01->turn, SD_EVENT_ONESHOT);
}

int tlsalpn01_new(sd_event *event, int fd, TlsAlpn01 **ret)
{
    _cleanup_(tlsalpn01_freep) TlsAlpn01 *tlsalpn01 = calloc(1, sizeof(*tlsalpn01));
    int r;

    if (!tlsalpn01)
        return -ENOMEM;
    tlsalpn01->fd = fd;
    TAILQ_INIT(&tlsalpn01->publications);
    r = sd_event_add_defer(event, &tlsalpn01->turn, on_turn, tlsalpn01);
    if (r >= 0)
        r = sd_event_source_set_enabled(tlsalpn01->turn, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(tlsalpn01);
    return 0;
}

TlsAlpn01 *tlsalpn01_free(TlsAlpn01 *tlsalpn01)
{
    if (!tlsalpn01)
        return NULL;
    sd_event_source_disable_unref(tlsalpn01->turn);
    free(tlsalpn01);
    return NULL;
}

static char *tlsalpn01_suspects(const Verification *verification)
{
    return closed_listeners_describe(verification, "acmems-tlsalpn01.socket");
}

const Solver tlsalpn01_solver = {
    .type = "tls-alpn-01",
    .not_offered = "the CA offers no tls-alpn-01 challenge (a wildcard needs dns-01)",
    .serves_addresses = true,
    .publish = tlsalpn01_publish,
    .waits_for = tlsalpn01_waits_for,
    .suspects = tlsalpn01_suspects,
    .withdraw = tlsalpn01_withdraw,
};
