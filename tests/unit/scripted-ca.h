/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* A CA that answers by a script. The functions of libacme/https/fetch.h below take the place of
 * fetch.c when the test is linked. Each request is a line of the trace: its URL below CA_URL, and
 * its payload. Answers come in the order of the requests. */

#include <jansson.h>

#include "libacme/https/fetch.h"
#include "scripted-clock.h"
#include "strings/encode.h"

/* Rows of tables leave out what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define CA_URL "https://ca.test/"

/* The answer to the next request for .to ("new-order"). In texts ' stands for ", @ for CA_URL, and
 * # for the time in an hour: "{'status': 'pending', 'expires': '#', 'finalize': '@finalize/1'}". */
typedef struct CaReply {
    const char *to;
    long status; /* 0: no answer came */
    const char *body;
    const char *location; /* below CA_URL; "": none */
    unsigned retry_after;
    const char *type;  /* NULL: JSON, or a problem from 400 on */
    const char *nonce; /* NULL: a fresh one; "": none */
    const char *alternates[3];
} CaReply;

#define CA_PROBLEM(type) "{'type': 'urn:ietf:params:acme:error:" type "', 'detail': 'No.'}"

#define CA_NOTE_SIZE 64

struct Fetcher {
    unsigned n_ref;
};

struct Fetch {
    Fetch *next;
    FetchRequest request; /* strings owned */
    fetch_cb callback;
    void *userdata;
};

typedef struct Ca {
    const CaReply *script; /* up to one without .to; each is used once */
    bool used[64];
    bool (*answer)(const char *to, CaReply *ret); /* without a script; false: there is none */
    bool is_quiet; /* leaves directory, nonces and the account out of the trace */
    Fetch *first;
    unsigned n_nonces;
    bool is_out[256]; /* the nonces that were handed out and not used */
    /* Called before each answer; may add a note to the line of the trace. */
    void (*observe)(const char *to, char note[CA_NOTE_SIZE]);
    char *csr; /* what finalize must send; NULL: anything */
} Ca;

static Ca ca;

static inline void ca_put_time(FILE *f, time_t at)
{
    char text[32];
    struct tm tm;

    ASSERT_TRUE(gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%FT%TZ", &tm) > 0);
    fputs(text, f);
}

static inline char *ca_text(const char *text)
{
    char *result = NULL;
    size_t size;
    FILE *f = open_memstream(&result, &size);

    ASSERT_TRUE(f);
    for (const char *start = text; *text; text++)
        if (*text == '@' && (text == start || text[-1] == '\''))
            fputs(CA_URL, f);
        else if (*text == '#')
            ca_put_time(f, time(NULL) + 3600);
        else
            fputc(*text == '\'' ? '"' : *text, f);
    ASSERT_OK(fclose(f));
    return result;
}

int fetcher_new(sd_event *event, const FetchRoute *route, Fetcher **ret)
{
    (void)event;
    (void)route;
    *ret = calloc(1, sizeof(**ret));
    ASSERT_TRUE(*ret);
    return 0;
}

Fetcher *fetcher_unref(Fetcher *fetcher)
{
    free(fetcher);
    return NULL;
}

static char *ca_copy(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    ASSERT_TRUE(copy || !text);
    return copy;
}

static void ca_fetch_free(Fetch *fetch)
{
    free((char *)(uintptr_t)fetch->request.url);
    free((char *)(uintptr_t)fetch->request.body);
    free((char *)(uintptr_t)fetch->request.accept);
    free(fetch);
}

int fetcher_start(Fetcher *fetcher, const FetchRequest *request, fetch_cb callback, void *userdata,
                  Fetch **ret)
{
    Fetch *fetch = calloc(1, sizeof(*fetch)), **at = &ca.first;

    ASSERT_TRUE(fetch && fetcher);
    fetch->request = (FetchRequest){ .url = ca_copy(request->url),
                                     .body = ca_copy(request->body),
                                     .head = request->head,
                                     .accept = ca_copy(request->accept) };
    fetch->callback = callback;
    fetch->userdata = userdata;
    while (*at)
        at = &(*at)->next;
    *at = fetch;
    *ret = fetch;
    return 0;
}

Fetch *fetch_cancel(Fetch *fetch)
{
    for (Fetch **at = &ca.first; *at; at = &(*at)->next)
        if (*at == fetch) {
            *at = fetch->next;
            ca_fetch_free(fetch);
            break;
        }
    return NULL;
}

/* ---- what the CA reads ------------------------------------------------------------------- */

static inline char *ca_decode(const json_t *jws, const char *member)
{
    const char *text = json_string_value(json_object_get(jws, member));
    uint8_t *data;
    size_t size;

    ASSERT_TRUE(text);
    ASSERT_OK(base64_decode_any(text, strlen(text), &data, &size));
    ASSERT_EQ(strlen((char *)data), size);
    return (char *)data;
}

static inline json_t *ca_parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);

    ASSERT_TRUE(json);
    return json;
}

/* Each nonce is used once. */
static inline void ca_take_nonce(const char *nonce)
{
    unsigned long n;

    ASSERT_TRUE(nonce && strncmp(nonce, "nonce-", 6) == 0);
    n = strtoul(nonce + 6, NULL, 10);
    ASSERT_TRUE(n < ca.n_nonces);
    ASSERT_TRUE(ca.is_out[n]);
    ca.is_out[n] = false;
}

static inline const char *ca_make_nonce(void)
{
    static char text[32];

    ASSERT_TRUE(ca.n_nonces < ELEMENTSOF(ca.is_out));
    ca.is_out[ca.n_nonces] = true;
    (void)snprintf(text, sizeof(text), "nonce-%u", ca.n_nonces++);
    return text;
}

static inline const char *ca_below(const char *url)
{
    ASSERT_TRUE(strncmp(url, CA_URL, STRLEN(CA_URL)) == 0);
    return url + STRLEN(CA_URL);
}

/* The payload as the trace shows it. */
static inline char *ca_show(const char *payload)
{
    json_auto_t *json = *payload ? ca_parse(payload) : NULL;
    const char *csr = json_string_value(json_object_get(json, "csr"));
    char *text;

    if (!json)
        return ca_copy("");
    if (csr) {
        ASSERT_TRUE(!ca.csr || strcmp(ca.csr, csr) == 0);
        json_object_set_new(json, "csr", json_string("…"));
    }
    if (json_object_get(json, "externalAccountBinding"))
        json_object_set_new(json, "externalAccountBinding", json_string("…"));
    if (json_object_get(json, "protected")) {
        char *inner = ca_decode(json, "payload");
        json_auto_t *change = ca_parse(inner);

        json_object_set_new(json, "payload",
                            json_string(json_string_value(json_object_get(change, "account"))));
        json_object_del(json, "protected");
        json_object_set_new(json, "signature", json_string("…"));
        free(inner);
    }
    text = json_dumps(json, JSON_SORT_KEYS);
    for (char *c = text; *c; c++)
        if (*c == '"')
            *c = '\'';
    return text;
}

/* Checks the header; the key is in it for newAccount alone. */
static inline char *ca_read(const FetchRequest *request, const char *to)
{
    json_auto_t *jws = ca_parse(request->body), *header;
    char *protected = ca_decode(jws, "protected"), *payload = ca_decode(jws, "payload"), *text;
    const char *kid;

    header = ca_parse(protected);
    kid = json_string_value(json_object_get(header, "kid"));
    ASSERT_STREQ(json_string_value(json_object_get(header, "url")), request->url);
    ca_take_nonce(json_string_value(json_object_get(header, "nonce")));
    if (strstr(to, "new-account"))
        ASSERT_TRUE(!kid && json_object_get(header, "jwk"));
    else
        ASSERT_TRUE(kid && strncmp(ca_below(kid), "account/", 8) == 0 &&
                    !json_object_get(header, "jwk"));
    text = ca_show(payload);
    free(protected);
    free(payload);
    return text;
}

/* A scripted success without a body has the usual one. */
static inline void ca_fill(const char *to, CaReply *reply)
{
    CaReply usual = { 0 };

    if (!reply->body && reply->status == 200 && ca.answer && ca.answer(to, &usual)) {
        reply->body = usual.body;
        reply->type = str_or(reply->type, usual.type);
    }
}

static inline bool ca_is_usual(const char *to)
{
    to += strncmp(to, "2/", 2) == 0 ? 2 : 0;
    return streq(to, "dir") || streq(to, "new-nonce") || streq(to, "new-account");
}

/* ---- what the CA answers ----------------------------------------------------------------- */

static inline bool ca_find_reply(const char *to, CaReply *ret)
{
    for (size_t i = 0; ca.script && ca.script[i].to; i++)
        if (!ca.used[i] && streq(ca.script[i].to, to)) {
            ca.used[i] = true;
            *ret = ca.script[i];
            return true;
        }
    return false;
}

#define CA_DIRECTORY                                                                               \
    "'newNonce': '@new-nonce', 'newAccount': '@new-account', 'newOrder': '@new-order', "           \
    "'revokeCert': '@revoke', 'keyChange': '@key-change'"

static inline bool ca_usual_reply(const char *to, CaReply *ret)
{
    static const CaReply usual[] = {
        { "dir", 200, "{" CA_DIRECTORY "}" },
        { "new-nonce", 200, "" },
        { "new-account", 201, "{'status': 'valid'}", "account/1" },
        /* another CA */
        { "2/dir", 200,
          "{'newNonce': '@2/new-nonce', 'newAccount': '@2/new-account', 'newOrder': "
          "'@2/new-order'}" },
        { "2/new-nonce", 200, "" },
        { "2/new-account", 201, "{'status': 'valid'}", "account/2" },
    };

    for (size_t i = 0; i < ELEMENTSOF(usual); i++)
        if (streq(usual[i].to, to)) {
            *ret = usual[i];
            return true;
        }
    return false;
}

static inline void ca_send(const Fetch *fetch, const CaReply *reply)
{
    _cleanup_free_ char *body = ca_text(str_or(reply->body, ""));
    _cleanup_free_ char *location = NULL;
    char *alternates[4] = { NULL };
    FetchResult result = {
        .status = reply->status,
        .body = body,
        .size = strlen(body),
        .content_type = reply->status >= 400 ? "application/problem+json" : "application/json",
        .retry_after = reply->retry_after,
    };

    if (reply->status == 0) {
        result.error = -ECONNREFUSED;
        result.error_text = "Connection refused";
    }
    if (reply->type)
        result.content_type = reply->type;
    if (reply->location && *reply->location) {
        ASSERT_TRUE(asprintf(&location, "%s%s", strstr(reply->location, ":") ? "" : CA_URL,
                             reply->location) > 0);
        /* fetch.c reports no others */
        result.location = strncmp(location, "https://", STRLEN("https://")) == 0 ? location : NULL;
    }
    if (!reply->nonce && reply->status != 0 && !strstr(fetch->request.url, "/dir"))
        result.replay_nonce = ca_make_nonce();
    else if (reply->nonce && *reply->nonce)
        result.replay_nonce = reply->nonce;
    for (size_t i = 0; i < ELEMENTSOF(reply->alternates) && reply->alternates[i]; i++)
        alternates[i] = ca_text(reply->alternates[i]);
    if (alternates[0])
        result.alternates = alternates;
    fetch->callback(&result, fetch->userdata);
    for (size_t i = 0; i < ELEMENTSOF(alternates); i++)
        free(alternates[i]);
}

/* Answers the oldest request. False: there is none. */
static inline bool ca_answer(void)
{
    Fetch *fetch = ca.first;
    _cleanup_free_ char *payload = NULL;
    CaReply reply = { 0 };
    char note[CA_NOTE_SIZE] = "";
    const char *to;

    if (!fetch)
        return false;
    ca.first = fetch->next;
    to = ca_below(fetch->request.url);
    payload = fetch->request.body ? ca_read(&fetch->request, to) : NULL;
    if (ca.observe)
        ca.observe(to, note);
    ASSERT_TRUE(ca_find_reply(to, &reply) || (ca.answer && ca.answer(to, &reply)) ||
                ca_usual_reply(to, &reply));
    ca_fill(to, &reply);
    if (!ca.is_quiet || !ca_is_usual(to))
        trace_add("%s%s%s%s%s%s%s",
                  fetch->request.body   ? ""
                  : fetch->request.head ? "HEAD "
                                        : "GET ",
                  to, payload && *payload ? " " : "", str_or(payload, ""),
                  fetch->request.accept ? " as " : "", str_or(fetch->request.accept, ""), note);
    ca_send(fetch, &reply);
    ca_fetch_free(fetch);
    return true;
}

static inline void ca_start(const CaReply *script)
{
    clock_add_peer(ca_answer);
    ca.script = script;
    memset(ca.used, 0, sizeof(ca.used));
}

/* Everything in the script was used, and all requests were answered or cancelled. */
static inline void ca_assert_done(const char *name)
{
    for (size_t i = 0; ca.script && ca.script[i].to; i++)
        if (!ca.used[i]) {
            fprintf(stderr, "%s: answer %zu, to %s, was not asked for; seen:\n%s", name, i,
                    ca.script[i].to, trace_text);
            exit(EXIT_FAILURE);
        }
    ASSERT_TRUE(!ca.first);
}
