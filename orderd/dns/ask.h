/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A question to one server after the other, until one gives an answer that is of use. */

#include "dns/exchange.h"

/* What several DNS servers said, in one line: "192.0.2.53: REFUSED; 192.0.2.54: timeout". */

/* Enough for all that anybody configures; what does not fit is cut off. */
#define DNS_TROUBLE_SIZE 1024U

/* Empty when zeroed. */
typedef struct DnsTrouble {
    char text[DNS_TROUBLE_SIZE];
    size_t n;
} DnsTrouble;

void dns_trouble_add(DnsTrouble *trouble, const char *format, ...) _printf_(2, 3);

static inline void dns_trouble_clear(DnsTrouble *trouble)
{
    trouble->n = 0;
    trouble->text[0] = '\0';
}

typedef struct DnsAsk DnsAsk;

typedef enum DnsUse {
    DNS_USE_RESOLVED,      /* a resolver found it, or that there is nothing */
    DNS_USE_AUTHORITATIVE, /* the server's own zone has it, or has it not */
    DNS_USE_GRANTED,       /* the update is done */
} DnsUse;

/* Borrowed, valid while the callback runs. */
typedef struct DnsOutcome {
    const ldns_pkt *answer;  /* NULL: none of them had one, and … */
    const DnsServer *server; /* that it is of */
    const char *trouble; /* … what each of them said: "192.0.2.53: REFUSED; 192.0.2.54: timeout" */
    const DnsServers *uncertain; /* those that may have done what they were asked, all the same */
} DnsOutcome;

typedef void (*dns_ask_cb)(const DnsOutcome *outcome, void *userdata);

typedef struct DnsAskRequest {
    const DnsServers *servers; /* borrowed until the callback, like the key */
    const TsigKey *key;        /* NULL: not signed */
    DnsUse use;                /* an update is sent by TCP */
    usec_t timeout;            /* for each server */
    ldns_pkt *message;         /* taken over, and freed on failure too */
} DnsAskRequest;

/* The callback comes once, from the event loop, unless cancelled. 0 or -errno. */
int dns_ask_start(DnsPool *pool, const DnsAskRequest *request, dns_ask_cb callback, void *userdata,
                  DnsAsk **ret);
DnsAsk *dns_ask_cancel(DnsAsk *ask); /* NULL is fine; always returns NULL */
