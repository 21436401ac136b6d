/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The directory of a CA (RFC 8555 §7.1.1), which names the URLs of its resources. */

#include "libacme/transport/fetch.h"
#include "libacme/transport/reply.h"

typedef struct CaDirectory CaDirectory;

/* A fetch has ended. Without an error in the reply, which is borrowed, the directory is there. The
 * callback may start another fetch. */
typedef void (*ca_directory_cb)(const SessionReply *reply, void *userdata);

/* @fetcher: borrowed. 0 or -ENOMEM. */
int ca_directory_new(Fetcher *fetcher, const char *url, ca_directory_cb callback, void *userdata,
                     CaDirectory **ret);
CaDirectory *ca_directory_free(CaDirectory *directory); /* NULL is fine; always returns NULL */

/* 1: it is there and fresh enough; 0: it is being fetched, and the callback comes from the event
 * loop; -errno: the fetch cannot be started. */
int ca_directory_need(CaDirectory *directory);

/* Has the next ca_directory_need() fetch it again. */
void ca_directory_expire(CaDirectory *directory);

/* Takes one that was fetched @age seconds ago. 0; -EBADMSG: it lacks a resource that every CA has.
 */
int ca_directory_set(CaDirectory *directory, json_t *object, time_t age);

/* As it was last seen; NULL: never. Borrowed. */
const json_t *ca_directory_object(const CaDirectory *directory);

/* Its own URL. Borrowed. */
const char *ca_directory_url(const CaDirectory *directory);

/* URL of a resource ("newOrder"); NULL: it has none. Borrowed. */
const char *ca_directory_resource(const CaDirectory *directory, const char *name);

DEFINE_CLEANUP_FUNC(CaDirectory *, ca_directory_free)
