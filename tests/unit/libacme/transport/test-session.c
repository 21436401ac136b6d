/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/session.h"

#include "libacme/account/registration.h"
#include "libacme/transport/problem.h"
#include "make-x509.h"
#include "scripted-ca.h"
#include "test-directory.h"

#define LATER (24U * 3600)

static void on_reply(const SessionReply *reply, void *userdata)
{
    SessionCall **call = userdata;

    *call = NULL;
    if (reply->error < 0)
        trace_add("error %d: %s%s", -reply->error, reply->error_text,
                  reply->retry_after ? " (later)" : "");
    else
        trace_add("got %ld %s%s%s", reply->status,
                  reply->problem ? problem_type(reply->problem)
                  : reply->json  ? "an object"
                                 : "?",
                  reply->location ? " at " : "", str_or(reply->location, ""));
}

static void post(Session *session, const char *resource, const char *url, SessionCall **call)
{
    json_auto_t *payload = json_pack("{ss}", "a", "b");

    ASSERT_OK(session_post(
        session,
        &(SessionRequest){ .url = url, .resource = resource, .payload = resource ? payload : NULL },
        on_reply, call, call));
    ASSERT_TRUE(*call);
}

typedef struct Bed {
    sd_event *event;
    Session *session;
} Bed;

static Bed open_session(const char *state)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    Bed bed = { 0 };

    ca = (Ca){ .script = NULL };
    ASSERT_TRUE(sd_event_new(&bed.event) >= 0);
    ASSERT_OK(session_new(bed.event, CA_URL "dir", &(FetchRoute){ 0 }, &bed.session));
    if (state)
        ASSERT_OK(session_keep_in(bed.session, state));
    session_set_key(bed.session, key);
    ASSERT_OK(session_set_account(bed.session, CA_URL "account/1"));
    return bed;
}

static void close_session(Bed *bed)
{
    ASSERT_FALSE(session_unref(bed->session));
    sd_event_unref(bed->event);
}

/* A request for a new order, then one for its URL. */
typedef struct Case {
    const char *name;
    CaReply script[16];
    const char *seen;
} Case;

#define MADE                                                                                       \
    {                                                                                              \
        "new-order", 201, "{}", "order/1"                                                          \
    }
#define BAD_NONCE                                                                                  \
    {                                                                                              \
        "new-order", 400, CA_PROBLEM("badNonce")                                                   \
    }
#define ORDER                                                                                      \
    {                                                                                              \
        "order/1", 200, "{}"                                                                       \
    }

static const Case cases[] = {
    { "the usual requests",
      { MADE, ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "a nonce is too old",
      { BAD_NONCE, BAD_NONCE, MADE, ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "every nonce is bad",
      { BAD_NONCE, BAD_NONCE, BAD_NONCE, BAD_NONCE, BAD_NONCE, BAD_NONCE, BAD_NONCE, BAD_NONCE,
        BAD_NONCE, BAD_NONCE, BAD_NONCE, BAD_NONCE, ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "new-order {'a': 'b'}\n"
      "got 400 badNonce\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "no nonce comes with badNonce",
      { { "new-order", 400, CA_PROBLEM("badNonce"), .nonce = "" }, MADE, ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "no nonce comes with an answer",
      { { "new-order", 201, "{}", "order/1", .nonce = "" }, ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "HEAD new-nonce\n"
      "order/1\n"
      "got 200 an object\n" },
    { "no nonce at all",
      { { "new-nonce", 200, "", .nonce = "", .retry_after = 5 },
        { "new-nonce", 204, "", .nonce = "a b" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "error 74: https://ca.test/new-nonce sent no nonce (HTTP status 200, application/json) "
      "(later)\n"
      "--\n"
      "HEAD new-nonce\n"
      "error 74: https://ca.test/new-nonce sent no nonce (HTTP status 204, application/json)\n" },
    { "no answer from newNonce",
      { { "new-nonce", 0 }, { "order/1", 0 } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "error 111: Connection refused\n"
      "--\n"
      "HEAD new-nonce\n"
      "order/1\n"
      "error 111: Connection refused\n" },
    { "newNonce has moved",
      { { "new-nonce", 404, "" },
        { "dir", 200, "{" CA_DIRECTORY "}" },
        { "dir", 200,
          "{'newNonce': '@nonce-2', 'newAccount': '@new-account', 'newOrder': '@new-order'}" },
        { "nonce-2", 200, "" },
        MADE,
        ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "GET dir\n"
      "HEAD nonce-2\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "newNonce is nowhere",
      { { "new-nonce", 404, "", .nonce = "" },
        { "new-nonce", 404, "", .nonce = "" },
        { "new-nonce", 404, "", .nonce = "" },
        { "new-nonce", 404, "", .nonce = "" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "GET dir\n"
      "HEAD new-nonce\n"
      "error 74: https://ca.test/new-nonce sent no nonce (HTTP status 404, "
      "application/problem+json)\n"
      "--\n"
      "HEAD new-nonce\n"
      "GET dir\n"
      "HEAD new-nonce\n"
      "error 74: https://ca.test/new-nonce sent no nonce (HTTP status 404, "
      "application/problem+json)\n" },
    { "newOrder has moved",
      { { "dir", 200, "{" CA_DIRECTORY "}" },
        { "new-order", 410, "" },
        { "dir", 200,
          "{'newNonce': '@new-nonce', 'newAccount': '@new-account', 'newOrder': '@order-2'}" },
        { "order-2", 201, "{}", "order/1" },
        ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "GET dir\n"
      "order-2 {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "newOrder is nowhere",
      { { "new-order", 404, "" }, { "new-order", 404, CA_PROBLEM("malformed") }, ORDER },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "GET dir\n"
      "new-order {'a': 'b'}\n"
      "got 404 malformed\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "the directory is away when it is needed again",
      {
          { "dir", 200, "{" CA_DIRECTORY "}" },
          { "new-order", 404, "" },
          { "dir", 0 },
          ORDER,
      },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "GET dir\n"
      "error 111: Connection refused\n"
      "--\n"
      "GET dir\n"
      "order/1\n"
      "got 200 an object\n" },
    { "an order is gone",
      { MADE, { "order/1", 404, CA_PROBLEM("malformed") } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 404 malformed\n" },
    { "an order is not JSON",
      { MADE, { "order/1", 200, "{" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 ?\n" },
    { "an order is a list",
      { MADE, { "order/1", 200, "[]" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 ?\n" },
    { "an order is a page",
      { MADE, { "order/1", 200, "{}", .type = "text/html" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "a problem with status 200",
      { MADE, { "order/1", 200, CA_PROBLEM("caa"), .type = "application/problem+json" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 200 an object\n" },
    { "a problem as JSON",
      { MADE, { "order/1", 403, CA_PROBLEM("caa"), .type = "application/json" } },
      "GET dir\n"
      "HEAD new-nonce\n"
      "new-order {'a': 'b'}\n"
      "got 201 an object at https://ca.test/order/1\n"
      "--\n"
      "order/1\n"
      "got 403 caa\n" },
    { "the directory is away",
      { { "dir", 0 }, { "dir", 0 } },
      "GET dir\n"
      "error 111: Connection refused: unless the CA is down, check acme-server and the firewall\n"
      "--\n"
      "GET dir\n"
      "error 111: Connection refused: unless the CA is down, check acme-server and the "
      "firewall\n" },
    { "the directory is broken",
      { { "dir", 500, "", .type = "text/html", .retry_after = 9 },
        { "dir", 404, "{" CA_DIRECTORY "}" } },
      "GET dir\n"
      "error 74: https://ca.test/dir does not answer with an ACME directory (HTTP status 500, "
      "text/html) (later)\n"
      "--\n"
      "GET dir\n"
      "error 74: https://ca.test/dir does not answer with an ACME directory (HTTP status 404): "
      "check acme-server\n" },
    { "the directory lacks a URL",
      { { "dir", 200, "{'newNonce': '@n', 'newAccount': '@a'}" },
        { "dir", 200, "{'newNonce': '@n', 'newAccount': 'http://ca.test/', 'newOrder': '@o'}" } },
      "GET dir\n"
      "error 74: https://ca.test/dir does not answer with an ACME directory (it lacks newOrder): "
      "check "
      "acme-server\n"
      "--\n"
      "GET dir\n"
      "error 74: https://ca.test/dir does not answer with an ACME directory (its newAccount is no "
      "https "
      "URL): check acme-server\n" },
    { "the directory is a list",
      { { "dir", 200, "[]" }, { "dir", 200, "" } },
      "GET dir\n"
      "error 74: https://ca.test/dir does not answer with an ACME directory (HTTP status 200, "
      "application/json): "
      "check acme-server\n"
      "--\n"
      "GET dir\n"
      "error 74: https://ca.test/dir does not answer with an ACME directory (HTTP status 200, "
      "application/json): "
      "check acme-server\n" },
};

static void run(const Case *c)
{
    Bed bed = open_session(NULL);
    SessionCall *call = NULL;

    ca_start(c->script);
    post(bed.session, "newOrder", NULL, &call);
    clock_run(bed.event, NULL, 0);
    ASSERT_FALSE(call);
    trace_add("--");
    post(bed.session, NULL, CA_URL "order/1", &call);
    clock_run(bed.event, NULL, 0);
    ASSERT_FALSE(call);
    trace_assert(c->name, c->seen);
    ca_assert_done(c->name);
    close_session(&bed);
}

/* The directory is used for a day. */
static void test_directory_age(void)
{
    Bed bed = open_session(NULL);
    SessionCall *call = NULL;

    for (int i = 0; i < 4; i++) {
        static const unsigned ages[] = { 0, LATER - 10, 9, 2 };

        clock_skip(ages[i]);
        trace_add("%u s later", ages[i]);
        post(bed.session, NULL, CA_URL "order/1", &call);
        ca_start((const CaReply[]){ ORDER, { NULL } });
        clock_run(bed.event, NULL, 0);
    }
    ca_start(NULL);
    ASSERT_OK(session_directory(bed.session, on_reply, &call, &call));
    clock_run(bed.event, NULL, 0);
    ASSERT_TRUE(json_object_get(session_last_directory(bed.session), "newOrder"));
    trace_assert("age of the directory", "0 s later\n"
                                         "GET dir\n"
                                         "HEAD new-nonce\n"
                                         "order/1\n"
                                         "got 200 an object\n"
                                         "86390 s later\n"
                                         "order/1\n"
                                         "got 200 an object\n"
                                         "9 s later\n"
                                         "order/1\n"
                                         "got 200 an object\n"
                                         "2 s later\n"
                                         "GET dir\n"
                                         "order/1\n"
                                         "got 200 an object\n"
                                         "GET dir\n"
                                         "got 200 an object\n");
    close_session(&bed);
}

/* All wait for one directory, and each gets a nonce of its own. */
static void test_at_once(void)
{
    Bed bed = open_session(NULL);
    SessionCall *calls[4] = { NULL };

    ca_start((const CaReply[]){ ORDER, ORDER, { NULL } });
    ASSERT_OK(session_directory(bed.session, on_reply, &calls[3], &calls[3]));
    for (int i = 0; i < 3; i++)
        post(bed.session, NULL, CA_URL "order/1", &calls[i]);
    calls[1] = session_call_cancel(calls[1]);
    clock_run(bed.event, NULL, 0);
    ASSERT_TRUE(!calls[0] && !calls[2] && !calls[3]);
    trace_assert("at once", "GET dir\n"
                            "got 200 an object\n"
                            "HEAD new-nonce\n"
                            "HEAD new-nonce\n"
                            "order/1\n"
                            "got 200 an object\n"
                            "order/1\n"
                            "got 200 an object\n");
    ca_assert_done("at once");

    /* The rest ends with the session. */
    post(bed.session, NULL, CA_URL "order/1", &calls[0]);
    close_session(&bed);
    ASSERT_FALSE(ca.first);
}

static void get_renewal(Bed *bed, SessionCall **call)
{
    int r = session_get(bed->session, "renewalInfo", "abc", on_reply, call, call);

    if (r < 0)
        trace_add("refused: %d", -r);
    clock_run(bed->event, NULL, 0);
}

static void test_get(void)
{
    static const CaReply script[] = { { "dir", 200, "{" CA_DIRECTORY "}" },
                                      { "dir", 200,
                                        "{" CA_DIRECTORY ", 'renewalInfo': '@renewal'}" },
                                      { "renewal/abc", 200, "{}" },
                                      { "renewal/abc", 404, "" },
                                      { NULL } };
    Bed bed = open_session(NULL);
    SessionCall *call = NULL;

    ca_start(script);
    get_renewal(&bed, &call);
    get_renewal(&bed, &call);
    clock_skip(LATER + 1);
    get_renewal(&bed, &call);
    get_renewal(&bed, &call);
    trace_assert("get", "GET dir\n"
                        "error 95: its directory has no https URL for it\n"
                        "refused: 95\n"
                        "GET dir\n"
                        "GET renewal/abc\n"
                        "got 200 an object\n"
                        "GET renewal/abc\n"
                        "got 404 ?\n");
    ca_assert_done("get");
    close_session(&bed);
}

/* Directory and nonces of one session serve the next one. */
static void test_kept(void)
{
    _cleanup_test_directory_ char *state = test_directory_new();
    Ca before = { 0 };

    for (int i = 0; i < 3; i++) {
        SessionCall *call = NULL;
        Bed bed = open_session(state);

        ca = before; /* the same CA */
        if (i == 2)
            clock_skip(LATER + 1);
        ca_start((const CaReply[]){ ORDER, { NULL } });
        post(bed.session, NULL, CA_URL "order/1", &call);
        clock_run(bed.event, NULL, 0);
        before = ca;
        trace_add("--");
        close_session(&bed);
    }
    trace_assert("kept", "GET dir\n"
                         "HEAD new-nonce\n"
                         "order/1\n"
                         "got 200 an object\n"
                         "--\n"
                         "order/1\n"
                         "got 200 an object\n"
                         "--\n"
                         "GET dir\n"
                         "order/1\n"
                         "got 200 an object\n"
                         "--\n");
}

/* The account is not named, and the key is in the header (ca_read() looks). */
static void test_registration(void)
{
    Bed bed = open_session(NULL);
    json_auto_t *contact = json_pack("[s]", "mailto:a@example.org");
    SessionCall *call = NULL;

    ASSERT_OK(registration_request(bed.session, &(RegistrationRequest){ .contact = contact },
                                   on_reply, &call, &call));
    clock_run(bed.event, NULL, 0);
    trace_assert("registration",
                 "GET dir\n"
                 "HEAD new-nonce\n"
                 "new-account {'contact': ['mailto:a@example.org'], 'termsOfServiceAgreed': true}\n"
                 "got 201 an object at https://ca.test/account/1\n");
    close_session(&bed);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        run(&cases[i]);
    test_directory_age();
    test_at_once();
    test_get();
    test_kept();
    test_registration();
    return EXIT_SUCCESS;
}
