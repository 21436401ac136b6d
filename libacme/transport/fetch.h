/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* HTTPS requests that wait for nobody: a curl multi handle on an sd-event loop. */

#include <systemd/sd-event.h>

#include "base/macro.h"

#define FETCH_BODY_SIZE_MAX  (256U * 1024U)
#define FETCH_ALTERNATES_MAX 8U

typedef struct Fetcher Fetcher;
typedef struct Fetch Fetch;

typedef struct FetchRequest {
    const char *url;
    const char *body; /* POST with this JWS; NULL: GET */
    bool head;        /* HEAD instead of GET */
    const char *accept;
} FetchRequest;

/* What came back; borrowed, valid while the callback runs. */
typedef struct FetchResult {
    int error;              /* 0: an HTTP answer came; else -errno and error_text */
    const char *error_text; /* in curl's words: "Could not resolve host: …" */
    long status;
    const char *body; /* NUL-terminated */
    size_t size;
    const char *content_type; /* without parameters; "" when absent */
    const char *location;     /* NULL when absent, like the next */
    const char *replay_nonce;
    char *const *alternates; /* URLs of rel="alternate" (RFC 8555 §7.4.2), FETCH_ALTERNATES_MAX at
                                most; NULL when there are none */
    unsigned retry_after;    /* s, from seconds or a date; 0 when absent */
} FetchResult;

typedef void (*fetch_cb)(const FetchResult *result, void *userdata);

/**
 * fetcher_new() - a pool of connections
 * @ca_file: PEM bundle that the peer is verified with; NULL: the system's
 *
 * TLS is always verified, only https URLs are fetched, redirects are not followed, an answer is at
 * most FETCH_BODY_SIZE_MAX bytes and takes at most 30 s.
 */
int fetcher_new(sd_event *event, const char *ca_file, Fetcher **ret);

/* The last one cancels what is in flight. Always returns NULL. */
Fetcher *fetcher_unref(Fetcher *fetcher);

/**
 * fetcher_start() - send a request
 * @callback: called once, from the event loop, never from here; not called when cancelled
 * @ret: borrowed, to cancel it; invalid once the callback was called
 */
int fetcher_start(Fetcher *fetcher, const FetchRequest *request, fetch_cb callback, void *userdata,
                  Fetch **ret);
Fetch *fetch_cancel(Fetch *fetch); /* NULL is fine; always returns NULL */

DEFINE_CLEANUP_FUNC(Fetcher *, fetcher_unref)
