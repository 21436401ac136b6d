/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Send a request to several servers, until one gives a usable answer. A query goes to the next
 * server when the one before fails or has not answered in DNS_ASK_NEXT, so that a silent server
 * delays nothing; an update goes to one server after the other, so that only one makes it. */

#include "dns/exchange.h"

/* The errors of several DNS servers in one line: "192.0.2.53: REFUSED; 192.0.2.54: its UDP port is
 * closed". */

/* Enough for any real configuration. Longer text is cut. */
#define DNS_TROUBLE_SIZE 1024U

/* Empty when zeroed. */
typedef struct DnsTrouble {
    char text[DNS_TROUBLE_SIZE];
    size_t n;
} DnsTrouble;

/* Appends an error. */
void dns_trouble_add(DnsTrouble *trouble, const char *format, ...) _printf_(2, 3);

static inline void dns_trouble_clear(DnsTrouble *trouble)
{
    trouble->n = 0;
    trouble->text[0] = '\0';
}

#define DNS_ASK_NEXT (250 * USEC_PER_MSEC)

typedef struct DnsAsk DnsAsk;

/* Which answers are usable. */
typedef enum DnsUse {
    DNS_USE_RESOLVED,      /* a resolver's: the records, or that there are none */
    DNS_USE_AUTHORITATIVE, /* an authoritative server's: the records, or that there are none */
    DNS_USE_GRANTED,       /* the update was made */
} DnsUse;

/* Borrowed, valid while the callback runs. */
typedef struct DnsOutcome {
    const ldns_pkt *answer;  /* NULL: no server gave a usable one */
    const DnsServer *server; /* that gave the answer; NULL: none */
    const char *trouble;     /* without an answer: the error of each server */
    /* To add to what is missing in the answer: " (192.0.2.53: NOTAUTH(BADKEY) to the signed
     * query)", or "". */
    const char *refused;
    const DnsServers *uncertain; /* these may have made the update in spite of their error */
} DnsOutcome;

typedef void (*dns_ask_cb)(const DnsOutcome *outcome, void *userdata);

typedef struct DnsAskRequest {
    const DnsServers *servers; /* borrowed until the callback, like the key */
    const TsigKey *key;        /* NULL: not signed */
    DnsUse use;                /* an update is sent by TCP */
    usec_t timeout;            /* for each server */
    const char *words;         /* added to the error that a server answered; NULL: none */
    ldns_pkt *message;         /* ownership passes to dns_ask_start(), also on failure */
} DnsAskRequest;

/* Starts a request. The callback comes once, from the event loop, unless cancelled. 0 or -errno. */
int dns_ask_start(DnsPool *pool, const DnsAskRequest *request, dns_ask_cb callback, void *userdata,
                  DnsAsk **ret);
DnsAsk *dns_ask_cancel(DnsAsk *ask); /* NULL is fine; always returns NULL */
