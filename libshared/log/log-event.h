/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the journal's catalog explains: each kind of event has a MESSAGE_ID. */

typedef enum LogEvent {
    /* How a request to acmems-sign ended: one of these for each. */
    LOG_EVENT_REQUEST_ISSUED,   /* with a certificate that was ordered for it */
    LOG_EVENT_REQUEST_CACHED,   /* with one out of the cache */
    LOG_EVENT_REQUEST_OUTDATED, /* with one out of the cache that could not be renewed */
    LOG_EVENT_REQUEST_DENIED,   /* no auth block allows it */
    LOG_EVENT_REQUEST_REFUSED,  /* it is no proper request */
    LOG_EVENT_REQUEST_FAILED,   /* the CA, orderd or the handler could not */
    LOG_EVENT_REQUEST_GONE,     /* the client went away before it was whole */

    /* How an order ended: one of these for each. */
    LOG_EVENT_CERTIFICATE_ISSUED,
    LOG_EVENT_ORDER_FAILED_AT_CA, /* the CA said no, or nothing that makes sense */
    LOG_EVENT_ORDER_FAILED_HERE,
    LOG_EVENT_CHALLENGE_NOT_PUBLISHED, /* DNS does not have it, so that the CA was not asked */
    LOG_EVENT_ACCOUNT_UNUSABLE,        /* missing, not registered, not readable */
    LOG_EVENT_ORDER_HELD_BACK,         /* the CA is not asked for it now */

    LOG_EVENT_CALL_DENIED, /* a handler asked for what its auth block does not cover */
    LOG_EVENT_PEER_REFUSED,
    LOG_EVENT_ORDERD_UNREACHABLE,
    LOG_EVENT_CACHE_DAMAGED,
    LOG_EVENT_CACHE_UNREADABLE,
    LOG_EVENT_CERTIFICATE_UNUSABLE, /* the CA issued another one than was asked for */
    LOG_EVENT_CERTIFICATE_NOT_STORED,
    LOG_EVENT_CHAIN_NOT_OFFERED, /* the preferred one */
    LOG_EVENT_PROFILE_NOT_OFFERED,
    LOG_EVENT_ACCOUNT_PASSED_OVER,      /* another one, at a CA that serves, is used */
    LOG_EVENT_VERIFICATION_PASSED_OVER, /* the block's next one is tried */
    LOG_EVENT_RENEWAL_MOVED,            /* the CA names another window than before */
    LOG_EVENT_NOT_PREFETCHED,           /* no auth block allows it any more */
    LOG_EVENT_STATE_NOT_WRITTEN,        /* what is on disk of orders and of the CA's limits */
    LOG_EVENT_ORDER_RESUMED,            /* taken up after a restart */
    LOG_EVENT_CHALLENGE_NOT_WRITTEN,
    LOG_EVENT_CHALLENGE_UNREADABLE,
    LOG_EVENT_PASSTHROUGH_FAILED,
    LOG_EVENT_CHALLENGE_NOT_WITHDRAWN, /* from DNS */
    LOG_EVENT_BUDGET_LOW,              /* of what may be asked of the CA little is left */
    LOG_EVENT_CERTIFICATE_REVOKED,
    LOG_EVENT_ACCOUNT_REGISTERED,
    LOG_EVENT_ACCOUNT_KEY_SETTLED,
    LOG_EVENT_CONFIG_ERROR,
    LOG_EVENT_CONFIG_WARNING,
    LOG_EVENT_CONFIG_KEPT,       /* a broken one is not taken */
    LOG_EVENT_CONFIG_AWAITED,    /* there is none that is sound */
    LOG_EVENT_CONFIG_READ,       /* a changed one is in force */
    LOG_EVENT_SHORTAGE,          /* of descriptors, memory or processes */
    LOG_EVENT_CONNECTION_KILLED, /* its process went on past every deadline */
    LOG_EVENT_ORDERS_FULL,
    LOG_EVENT_START_FAILED,
    LOG_EVENT_STOPPING,
    LOG_EVENT_GIVEN_UP, /* orders that did not end in time */
} LogEvent;

typedef struct LogEventInfo {
    const char *message_id; /* 32 hex digits */
    int level;              /* LOG_ERR … */
    const char *decision;   /* ACMEMS_DECISION; NULL: none was taken */
} LogEventInfo;

const LogEventInfo *log_event_info(LogEvent event);
