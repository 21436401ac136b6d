/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The conversation with one CA under one account key: its directory, nonces and signed requests
 * (RFC 8555 §6, §7.1.1, §7.2). */

#include <openssl/evp.h>
#include <systemd/sd-event.h>

#include "libacme/transport/reply.h"

typedef struct Session Session;
typedef struct SessionCall SessionCall;

typedef void (*session_cb)(const SessionReply *reply, void *userdata);

typedef struct SessionRequest {
    const char *url;       /* exactly as the CA gave it; or else: */
    const char *resource;  /* name in the directory: "newOrder" */
    const json_t *payload; /* NULL: POST-as-GET (RFC 8555 §6.3) */
    bool with_jwk;         /* sign with the key itself, not the account (newAccount) */
    const char *accept;    /* NULL: JSON */
} SessionRequest;

/* @directory_url, @ca_file: see fetcher_new(). */
int session_new(sd_event *event, const char *directory_url, const char *ca_file, Session **ret);
Session *session_ref(Session *session);
Session *session_unref(Session *session); /* always returns NULL */

/* Takes up what an earlier session with this CA left in the state directory, its directory and
 * nonces, and leaves there what this one has. What does not work out is logged: the CA is asked for
 * more then. 0 or -ENOMEM. */
int session_keep_in(Session *session, const char *state_directory);

/* Drops what a crash left half of that, and what is of no use any more. What goes wrong is logged.
 */
void session_sweep(const char *state_directory);

void session_set_key(Session *session, EVP_PKEY *key); /* takes a reference */
int session_set_account(Session *session, const char *url);

/* All of these: the callback comes once, from the event loop, unless cancelled. *ret is borrowed
 * and invalid from then on. */

/* The directory object, fetched anew. For requests it is kept for a day. */
int session_directory(Session *session, session_cb callback, void *userdata, SessionCall **ret);

/* The directory as it was last seen; NULL: never. Borrowed. */
const json_t *session_last_directory(const Session *session);

/* A signed request. badNonce is answered by signing again with the nonce of that very error. */
int session_post(Session *session, const SessionRequest *request, session_cb callback,
                 void *userdata, SessionCall **ret);

/* What the CA shows to everybody, with a GET that is not signed: @tail behind a slash below
 * @resource of the directory. -EOPNOTSUPP in the reply: the directory has no such resource. */
int session_get(Session *session, const char *resource, const char *tail, session_cb callback,
                void *userdata, SessionCall **ret);

SessionCall *session_call_cancel(SessionCall *call); /* NULL is fine; always returns NULL */

DEFINE_CLEANUP_FUNC(Session *, session_unref)
