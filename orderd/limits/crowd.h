/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* How many orders may be in progress at once, and how much memory their requests may take: of all
 * clients together, of one client, and of one auth block. So no client takes the room of the
 * others while the CA is slow. */

#include "config/config.h"
#include "libacme/failure.h"
#include "policy/source.h"

#define CROWD_ORDERS_MAX 4096U
#define CROWD_BYTES_MAX  ((size_t)128 * 1024 * 1024) /* of requests as they were posted */
/* Where client-share and auth-share permit less than everything. */
#define CROWD_CLIENT_PART 4U /* one client can have a quarter of both */
#define CROWD_AUTH_PART   2U /* one auth block can have half, if there are several */

/* An order in progress, or one that asks for room. */
typedef struct CrowdMember {
    char source[SOURCE_TEXT_SIZE]; /* "": no client waits (prefetch) */
    const char *auth;              /* name of its auth block; borrowed */
    size_t bytes;
} CrowdMember;

/* @client: its address; NULL: not known. Such clients count as one for each auth block. */
void crowd_member_init(CrowdMember *member, const char *client, bool is_prefetch, const char *auth,
                       size_t bytes);

typedef struct CrowdUse {
    size_t n, bytes;
} CrowdUse;

/* What the orders in progress use. All 0 at first. */
typedef struct Crowd {
    CrowdUse all, client, auth;
} Crowd;

/* Counts an order, as one that @own shares its room with. */
void crowd_count(Crowd *crowd, const CrowdMember *own, const CrowdMember *other);

/* Whether there is room for @own, too. @auth: its block, of @config. If not, @ret is set: 503 if
 * all room is taken, else 429. */
bool crowd_has_room(const Crowd *crowd, const CrowdMember *own, const Config *config,
                    const AuthBlock *auth, Failure *ret);
