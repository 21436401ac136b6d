/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The directory of a CA (RFC 8555 §7.1.1), which names the URLs of its resources. */

#include "libacme/https/fetch.h"
#include "libacme/transport/reply.h"

typedef struct CaDirectory CaDirectory;

/* Called after each fetch. reply->error 0: the directory is there. The reply is borrowed. The
 * callback may free the directory. */
typedef void (*ca_directory_cb)(const SessionReply *reply, void *userdata);

/* @fetcher: borrowed. 0 or -ENOMEM. */
int ca_directory_new(Fetcher *fetcher, const char *url, ca_directory_cb callback, void *userdata,
                     CaDirectory **ret);
CaDirectory *ca_directory_free(CaDirectory *directory); /* NULL is fine; always returns NULL */

/* Ensures that a fresh directory is there. 1: it is there; 0: it is being fetched, and the callback
 * comes from the event loop; -errno: the fetch cannot be started. */
int ca_directory_need(CaDirectory *directory);

/* Makes the next ca_directory_need() fetch it again. */
void ca_directory_expire(CaDirectory *directory);

/* Sets an object that was fetched @age seconds ago, with a reference. 0; -EBADMSG: it lacks
 * newNonce, newAccount or newOrder. */
int ca_directory_set(CaDirectory *directory, json_t *object, time_t age);

/* Returns the last object that was fetched; NULL: none yet. Borrowed. */
const json_t *ca_directory_object(const CaDirectory *directory);

/* Returns the URL of the directory itself. Borrowed. */
const char *ca_directory_url(const CaDirectory *directory);

/* Returns the URL of a resource ("newOrder"); NULL: it has none. Borrowed. */
const char *ca_directory_resource(const CaDirectory *directory, const char *name);

DEFINE_CLEANUP_FUNC(CaDirectory *, ca_directory_free)
