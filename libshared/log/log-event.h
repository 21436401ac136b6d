/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Events that the journal catalog explains: each kind has a MESSAGE_ID. */

#include <stdbool.h>
#include <stddef.h>

typedef enum LogEvent {
    /* The result of a request to acmems-sign: one of these for each request. */
    LOG_EVENT_REQUEST_ISSUED,   /* answered with a new certificate */
    LOG_EVENT_REQUEST_CACHED,   /* answered with a certificate from the cache */
    LOG_EVENT_REQUEST_OUTDATED, /* answered with a certificate from the cache, because its renewal
                                   failed */
    LOG_EVENT_REQUEST_DENIED,   /* no auth block permits it */
    LOG_EVENT_REQUEST_REFUSED,  /* the request is malformed */
    LOG_EVENT_REQUEST_FAILED,   /* the CA, orderd or the handler failed */
    LOG_EVENT_REQUEST_GONE,     /* the client disconnected before its end */
    LOG_EVENT_REFUSALS_SUMMED,  /* many failed requests of one source, which have no entries */

    /* The result of an order: one of these for each order. */
    LOG_EVENT_CERTIFICATE_ISSUED,
    LOG_EVENT_ORDER_FAILED_AT_CA, /* the CA refused it, or its answer is invalid */
    LOG_EVENT_ORDER_FAILED_HERE,
    LOG_EVENT_CHALLENGE_NOT_PUBLISHED, /* not visible in DNS, so the CA was not asked to validate */
    LOG_EVENT_ACCOUNT_UNUSABLE,        /* missing, not registered, not readable */
    LOG_EVENT_ORDER_HELD_BACK,         /* it waits, because of limits or earlier failures */

    LOG_EVENT_CALL_DENIED,  /* a handler requested names outside of its auth block */
    LOG_EVENT_PEER_REFUSED, /* a process that may not use the socket of acmems-orderd */
    LOG_EVENT_ORDERD_UNREACHABLE,
    LOG_EVENT_CACHE_DAMAGED,
    LOG_EVENT_CACHE_UNREADABLE,
    LOG_EVENT_CERTIFICATE_UNUSABLE, /* the certificate from the CA does not match the request */
    LOG_EVENT_CERTIFICATE_NOT_STORED,
    LOG_EVENT_CHAIN_NOT_OFFERED, /* the preferred one */
    LOG_EVENT_PROFILE_NOT_OFFERED,
    LOG_EVENT_ACCOUNT_PASSED_OVER,      /* another account is used, at a CA that works */
    LOG_EVENT_VERIFICATION_PASSED_OVER, /* the block's next one is tried */
    LOG_EVENT_RENEWAL_MOVED,            /* the CA changed the renewal window */
    LOG_EVENT_NOT_PREFETCHED,           /* no auth block permits it any more */
    LOG_EVENT_STATE_NOT_WRITTEN,        /* files about orders and the limits of the CA */
    LOG_EVENT_ORDER_RESUMED,            /* resumed after a restart */
    LOG_EVENT_CHALLENGE_NOT_WRITTEN,
    LOG_EVENT_CHALLENGE_UNREADABLE,
    LOG_EVENT_PASSTHROUGH_FAILED,
    LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, /* from DNS */
    LOG_EVENT_BUDGET_LOW,              /* few requests to the CA are left within its limits */
    LOG_EVENT_CERTIFICATE_REVOKED,
    LOG_EVENT_ACCOUNT_REGISTERED,
    LOG_EVENT_ACCOUNT_KEY_SETTLED,
    LOG_EVENT_CONFIG_ERROR,
    LOG_EVENT_CONFIG_WARNING,
    LOG_EVENT_CONFIG_KEPT,       /* a broken one was not loaded, the previous one is kept */
    LOG_EVENT_CONFIG_AWAITED,    /* waiting for a valid one */
    LOG_EVENT_CONFIG_READ,       /* a changed one was loaded */
    LOG_EVENT_SHORTAGE,          /* of descriptors, memory or processes */
    LOG_EVENT_CONNECTION_KILLED, /* its process exceeded every deadline */
    LOG_EVENT_NOT_CONFINED,      /* the process of a connection, which was closed */
    LOG_EVENT_ORDERS_FULL,
    LOG_EVENT_START_FAILED,
    LOG_EVENT_STOPPING,
    LOG_EVENT_GIVEN_UP,    /* orders that did not finish in time */
    LOG_EVENT_TURNED_AWAY, /* connections, because too many are open */
    LOG_EVENT_REQUEST_LATE,
    LOG_EVENT_PROXY_HEADER_MISSING,
} LogEvent;

typedef struct LogEventInfo {
    const char *message_id; /* 32 hex digits */
    int level;              /* LOG_ERR … */
    const char *decision;   /* ACMEMS_DECISION; NULL: no decision */
} LogEventInfo;

/* The number of events. */
size_t log_event_count(void);

/* Whether every client can cause the event as often as it likes: a state of the server that each
 * request meets again. */
bool log_event_is_repeated(LogEvent event);

const LogEventInfo *log_event_info(LogEvent event);
