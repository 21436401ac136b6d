/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* DNS servers that answer by a script. The functions of dns/exchange.h below take the place of
 * exchange.c when the test is linked. Each request is a line of the trace with its answer. The
 * server of a signed query is "192.0.2.1 signed". */

#include "dns/exchange.h"
#include "scripted-clock.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* .answer: records in the form of zone files, one a line ("%" stands for the name that was asked
 * for, "$" for the value that was added last), "" for none; an RCODE ("SERVFAIL"); "timeout" or
 * "unreachable"; "silent": no end at all. A "-" before it: from a server without authority; a "!"
 * before it: to the query without the key, which the server does not have. The
 * first row that fits and was not used is taken, the last one again and again. */
typedef struct DnsRow {
    const char *server; /* NULL: any */
    const char *asked;  /* "TXT _acme-challenge.www.example.org"; "+" or "-" before: an update */
    const char *answer;
} DnsRow;

struct DnsPool {
    sd_event *event;
};

struct DnsExchange {
    DnsExchange *next;
    char *server, *asked, *name;
    bool is_silent;
    dns_exchange_cb callback;
    void *userdata;
};

static const DnsRow *dns_script; /* up to one without .asked */
static bool dns_used[64];
static DnsExchange *dns_first;
static char dns_value[256];

int dns_pool_new(sd_event *event, DnsPool **ret)
{
    *ret = calloc(1, sizeof(**ret));
    ASSERT_TRUE(*ret);
    (*ret)->event = event;
    return 0;
}

sd_event *dns_pool_event(const DnsPool *pool)
{
    return pool->event;
}

static void dns_exchange_free(DnsExchange *exchange)
{
    free(exchange->server);
    free(exchange->asked);
    free(exchange->name);
    free(exchange);
}

DnsExchange *dns_exchange_cancel(DnsExchange *exchange)
{
    for (DnsExchange **at = &dns_first; *at; at = &(*at)->next)
        if (*at == exchange) {
            *at = exchange->next;
            dns_exchange_free(exchange);
            break;
        }
    return NULL;
}

DnsPool *dns_pool_free(DnsPool *pool)
{
    while (dns_first)
        dns_exchange_cancel(dns_first);
    free(pool);
    return NULL;
}

bool dns_error_is_uncertain(int error)
{
    return error == -ETIMEDOUT;
}

/* lookup.c asks for a random name below the owner, to find wildcards. The script calls it "?". */
static inline const char *dns_shown(const char *name, char shown[256])
{
    bool is_random = strspn(name, "0123456789abcdef") == 16 && name[16] == '.';

    (void)snprintf(shown, 256, "%s%s", is_random ? "?" : "", name + (is_random ? 16 : 0));
    return shown;
}

int dns_exchange_start(DnsPool *pool, const DnsRequest *request, dns_exchange_cb callback,
                       void *userdata, DnsExchange **ret)
{
    bool is_update = ldns_pkt_get_opcode(request->message) == LDNS_PACKET_UPDATE;
    const ldns_rr *record = ldns_rr_list_rr(
        is_update ? ldns_pkt_authority(request->message) : ldns_pkt_question(request->message), 0);
    DnsExchange *exchange = calloc(1, sizeof(*exchange)), **at = &dns_first;
    _cleanup_free_ char *type = ldns_rr_type2str(ldns_rr_get_type(record));
    char shown[256];

    ASSERT_TRUE(exchange && pool);
    ASSERT_EQ(request->by_tcp, is_update);
    ASSERT_TRUE(asprintf(&exchange->server, "%s%s", request->server->text,
                         !is_update && request->key ? " signed" : "") > 0);
    exchange->name = dns_name_from_rdf(ldns_rr_owner(record));
    ASSERT_TRUE(exchange->name);
    ASSERT_TRUE(asprintf(&exchange->asked, "%s%s %s",
                         !is_update                                        ? ""
                         : ldns_rr_get_class(record) == LDNS_RR_CLASS_NONE ? "-"
                                                                           : "+",
                         type, dns_shown(exchange->name, shown)) > 0);
    if (*exchange->asked == '+') {
        _cleanup_free_ char *value = ldns_rdf2str(ldns_rr_rdf(record, 0));

        ASSERT_TRUE(value);
        (void)snprintf(dns_value, sizeof(dns_value), "%s", value);
    }
    exchange->callback = callback;
    exchange->userdata = userdata;
    while (*at)
        at = &(*at)->next;
    *at = exchange;
    *ret = exchange;
    return 0;
}

static inline const char *dns_find_answer(const DnsExchange *exchange)
{
    const DnsRow *found = NULL;

    for (const DnsRow *row = dns_script; row->asked; row++)
        if (strcmp(row->asked, exchange->asked) == 0 &&
            (!row->server || strcmp(row->server, exchange->server) == 0)) {
            bool *used = &dns_used[row - dns_script];

            found = row;
            if (!*used) {
                *used = true;
                break;
            }
        }
    if (!found) {
        fprintf(stderr, "%s is not expected to be asked for '%s'; seen:\n%s", exchange->server,
                exchange->asked, trace_text);
        exit(EXIT_FAILURE);
    }
    return found->answer;
}

/* The records of an answer in the answer section; a SOA record in the authority section (RFC 2308
 * §3), unless it was asked for and is of that name. */
static inline ldns_pkt *dns_make_answer(const DnsExchange *exchange, const char *text)
{
    ldns_pkt *packet = ldns_pkt_new();
    _cleanup_free_ char *copy = strdup(text);
    char *rest = copy, *line;
    ldns_lookup_table *rcode = ldns_lookup_by_name(ldns_rcodes, text);

    ASSERT_TRUE(packet && copy);
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_aa(packet, true);
    if (*text == '-') {
        ldns_pkt_set_aa(packet, false);
        rest++;
        rcode = ldns_lookup_by_name(ldns_rcodes, text + 1);
    }
    if (rcode) {
        ldns_pkt_set_rcode(packet, (uint8_t)rcode->id);
        return packet;
    }
    while ((line = strsep(&rest, "\n"))) {
        size_t length = strcspn(line, "$");
        char full[512];
        ldns_rr *record;

        if (!*line)
            continue;
        (void)snprintf(full, sizeof(full), "%s%.*s%s", *line == '%' ? exchange->name : "",
                       (int)(length - (*line == '%')), line + (*line == '%'),
                       line[length] ? dns_value : "");
        ASSERT_EQ(ldns_rr_new_frm_str(&record, full, 60, NULL, NULL), LDNS_STATUS_OK);
        ldns_pkt_push_rr(packet,
                         *line != '%' && ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA
                             ? LDNS_SECTION_AUTHORITY
                             : LDNS_SECTION_ANSWER,
                         record);
    }
    return packet;
}

/* One line, whatever the number of records. */
static inline void dns_trace(const DnsExchange *exchange, const char *text)
{
    _cleanup_free_ char *flat = strdup(*text ? text : "nothing");

    ASSERT_TRUE(flat);
    for (char *c = flat; *c; c++)
        if (*c == '\n')
            *c = ',';
    trace_add("%s %s: %s", exchange->server, exchange->asked, flat);
}

/* Takes the oldest request that may be answered. NULL: there is none. */
static inline DnsExchange *dns_take(void)
{
    for (DnsExchange **at = &dns_first; *at; at = &(*at)->next) {
        DnsExchange *exchange = *at;

        if (exchange->is_silent)
            continue;
        *at = exchange->next;
        return exchange;
    }
    return NULL;
}

/* Answers one request. */
static inline bool dns_answer(void)
{
    DnsExchange *exchange = dns_take();
    _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;
    char words[DNS_WORDS_SIZE];
    DnsReply reply = { .refused = "" };
    const char *text, *said;

    if (!exchange)
        return false;
    text = dns_find_answer(exchange);
    if (streq(text, "silent")) {
        dns_trace(exchange, text);
        exchange->is_silent = true;
        exchange->next = dns_first;
        dns_first = exchange;
        return true;
    }
    said = text + (*text == '!');
    if (said > text)
        reply.refused = "NOTAUTH(BADKEY)";
    if (streq(said, "timeout"))
        reply.error = -ETIMEDOUT;
    else if (streq(said, "unreachable"))
        reply.error = -ENETUNREACH;
    if (reply.error < 0)
        reply.trouble = said;
    else {
        answer = dns_make_answer(exchange, said);
        reply.answer = answer;
        reply.trouble = dns_answer_words(answer, words);
    }
    dns_trace(exchange, text);
    exchange->callback(&reply, exchange->userdata);
    dns_exchange_free(exchange);
    return true;
}

static inline void dns_start(const DnsRow *script)
{
    clock_add_peer(dns_answer);
    dns_script = script;
    memset(dns_used, 0, sizeof(dns_used));
}
