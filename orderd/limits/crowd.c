/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/crowd.h"

#include <stdio.h>

/* Retry-After for a client that found no room, s. */
#define RETRY_AFTER 60

void crowd_member_init(CrowdMember *member, const char *client, bool is_prefetch, const char *auth,
                       size_t bytes)
{
    *member = (CrowdMember){ .auth = auth, .bytes = bytes };
    if (!is_prefetch)
        source_name(client, member->source);
}

static void use_add(CrowdUse *use, const CrowdMember *member)
{
    use->n++;
    use->bytes += member->bytes;
}

void crowd_count(Crowd *crowd, const CrowdMember *own, const CrowdMember *other)
{
    bool is_of_auth = streq(own->auth, other->auth);

    use_add(&crowd->all, other);
    if (*own->source && streq(own->source, other->source) &&
        (is_of_auth || !streq(own->source, SOURCE_UNKNOWN)))
        use_add(&crowd->client, other);
    if (is_of_auth)
        use_add(&crowd->auth, other);
}

static bool is_within(const CrowdUse *use, const CrowdMember *own, unsigned part)
{
    return use->n < CROWD_ORDERS_MAX / part && use->bytes + own->bytes <= CROWD_BYTES_MAX / part;
}

/* A share of 0 or 100 is none: a front server may stand for a whole fleet. */
static bool is_limited(unsigned share)
{
    return share > 0 && share < 100;
}

bool crowd_has_room(const Crowd *crowd, const CrowdMember *own, const Config *config,
                    const AuthBlock *auth, Failure *ret)
{
    const AccountBlock *account = auth->accounts[0];

    if (!is_within(&crowd->all, own, 1)) {
        failure_set(ret, LOG_EVENT_ORDERS_FULL, 503, RETRY_AFTER,
                    "Too many orders are in progress on the server. Try again later.");
        return false;
    }
    if (is_limited(account->client_share) && !is_within(&crowd->client, own, CROWD_CLIENT_PART)) {
        failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, 429, RETRY_AFTER,
                    "This client has too many orders in progress on the server (%zu). Try again "
                    "when some of them have ended.",
                    crowd->client.n);
        return false;
    }
    if (config->n_auth > 1 && is_limited(account->auth_share) &&
        !is_within(&crowd->auth, own, CROWD_AUTH_PART)) {
        failure_set(ret, LOG_EVENT_ORDER_HELD_BACK, 429, RETRY_AFTER,
                    "The clients of this auth block have too many orders in progress on the server "
                    "(%zu). Try again when some of them have ended.",
                    crowd->auth.n);
        return false;
    }
    return true;
}
