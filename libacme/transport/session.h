/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Requests to one CA with one account key: directory, nonces and signatures (RFC 8555 §6, §7.1.1,
 * §7.2). */

#include <openssl/evp.h>
#include <systemd/sd-event.h>

#include "libacme/https/fetch.h"
#include "libacme/transport/reply.h"

typedef struct Session Session;
typedef struct SessionCall SessionCall;

typedef void (*session_cb)(const SessionReply *reply, void *userdata);

typedef struct SessionRequest {
    const char *url;       /* exactly as the CA gave it; or NULL, and: */
    const char *resource;  /* name in the directory: "newOrder" */
    const json_t *payload; /* NULL: POST-as-GET (RFC 8555 §6.3) */
    bool with_jwk;         /* put the key into the header instead of the account (newAccount) */
    const char *accept;    /* NULL: JSON */
} SessionRequest;

/* @route: see fetcher_new(). 0 or -errno. */
int session_new(sd_event *event, const char *directory_url, const FetchRoute *route, Session **ret);
Session *session_ref(Session *session);
Session *session_unref(Session *session); /* always returns NULL */

/* Loads the directory and nonces that an earlier session with this CA saved in the state directory,
 * and saves those of this session there. Failures are logged; they cost a few more requests. 0 or
 * -ENOMEM. */
int session_keep_in(Session *session, const char *state_directory);

/* Removes saved sessions that are incomplete or too old. Failures are logged. */
void session_sweep(const char *state_directory);

/* URL of the CA's directory, as it is configured. Borrowed. */
const char *session_server(const Session *session);

void session_set_key(Session *session, EVP_PKEY *key); /* takes a reference */
int session_set_account(Session *session, const char *url);

/* For all of these: the callback comes once, from the event loop, unless cancelled. *ret is
 * borrowed and invalid from then on. 0 or -errno. */

/* Fetches the directory object again. Requests use one for a day. */
int session_directory(Session *session, session_cb callback, void *userdata, SessionCall **ret);

/* Returns the last directory that was fetched; NULL: none yet. Borrowed. */
const json_t *session_last_directory(const Session *session);

/* Sends a signed request. After badNonce it is signed again with the nonce of that answer. */
int session_post(Session *session, const SessionRequest *request, session_cb callback,
                 void *userdata, SessionCall **ret);

/* Sends an unsigned GET for a public resource: the URL of @resource in the directory, a slash and
 * @tail. -EOPNOTSUPP, in the reply or returned: the directory has no such resource. */
int session_get(Session *session, const char *resource, const char *tail, session_cb callback,
                void *userdata, SessionCall **ret);

SessionCall *session_call_cancel(SessionCall *call); /* NULL is fine; always returns NULL */

DEFINE_CLEANUP_FUNC(Session *, session_unref)
