/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Asynchronous HTTPS requests: a curl multi handle on an sd-event loop. */

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
    bool follow;      /* redirects, up to three, to https URLs */
    const char *accept;
} FetchRequest;

/* Borrowed, valid while the callback runs. */
typedef struct FetchResult {
    /* 0: an HTTP answer came; -EFBIG: it is too large; -ELOOP: too many redirects, or one
     * that leaves https; -EPROTO: its Content-Encoding is damaged or unknown; -ENOKEY: nothing was
     * sent, as there are no CA certificates to verify the server with: "'FILE' cannot be read: …";
     * -EHOSTUNREACH: the host name of the server is unknown; -EHOSTDOWN: the proxy cannot be used,
     * and error_text says where it is set; -EPROTONOSUPPORT: the server speaks no TLS, or no HTTP
     * in it; its certificate is -ENXIO: one of another host, -EKEYEXPIRED: expired or not yet
     * valid, -EKEYREJECTED: not trusted; other -errno: the server was not reached. With error_text.
     */
    int error;
    const char *error_text; /* in curl's words: "Could not resolve host: …" */
    long status;
    const char *body; /* NUL-terminated */
    size_t size;
    const char *content_type; /* without parameters; "" if absent */
    const char *location;     /* an https URL; NULL if absent */
    const char *redirect;     /* Location as the server wrote it; NULL unless the status is 3xx */
    const char *replay_nonce; /* NULL if absent */
    char *const *alternates;  /* URLs of rel="alternate" (RFC 8555 §7.4.2), at most
                                 FETCH_ALTERNATES_MAX; NULL if there are none */
    unsigned retry_after;     /* s, from seconds or a date; 0 if absent */
} FetchResult;

typedef void (*fetch_cb)(const FetchResult *result, void *userdata);

/* How a server is reached. */
typedef struct FetchRoute {
    const char *ca_file; /* PEM bundle to verify the server with; NULL: the system's */
    const char *proxy; /* URL of an HTTP or SOCKS proxy; "": none; NULL: as the environment says */
} FetchRoute;

/**
 * fetcher_new() - create a pool of connections
 * @route: copied
 *
 * TLS is always verified, only https URLs are fetched and redirects are followed on request alone.
 * An answer has at most FETCH_BODY_SIZE_MAX bytes, once it is decompressed, and takes at most 30 s,
 * from the time when its request is sent: 16 requests run at the same time, the others wait for
 * their turn. 0 or -errno.
 */
int fetcher_new(sd_event *event, const FetchRoute *route, Fetcher **ret);

/* The last one cancels all requests in progress. Always returns NULL. */
Fetcher *fetcher_unref(Fetcher *fetcher);

/**
 * fetcher_start() - send a request
 * @callback: called once, from the event loop, unless cancelled
 * @ret: borrowed, to cancel the request; invalid from the callback on
 */
int fetcher_start(Fetcher *fetcher, const FetchRequest *request, fetch_cb callback, void *userdata,
                  Fetch **ret);
Fetch *fetch_cancel(Fetch *fetch); /* NULL is fine; always returns NULL */

DEFINE_CLEANUP_FUNC(Fetcher *, fetcher_unref)
