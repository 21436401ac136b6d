/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a CA says of an order: a Location header, then a JSON object. The CA decides what it sends,
 * so each object is read as an order, an authorization and an account. */

#include <ctype.h>
#include <stdint.h>

#include "authorizations/authorization-object.h"
#include "authorizations/identifier.h"
#include "authorizations/verification-choice.h"
#include "libacme/account/refusal.h"
#include "libacme/account/registration.h"
#include "libacme/https/url.h"
#include "libacme/transport/problem.h"
#include "make-x509.h"
#include "orders/order-object.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

#define SERVER "https://ca.example/directory"
#define URL    "https://ca.example/account/1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is ordered: a name with its wildcard, a wildcard without its name, and addresses. */
static const char san[] = "DNS:www.example.org,DNS:example.org,DNS:*.example.org,DNS:*.example.com,"
                          "IP:192.0.2.1,IP:2001:db8::1";
static EVP_PKEY *key;
static Csr *csr;

static char web_name[] = "web", dns_name[] = "dns", tls_name[] = "tls", block_name[] = "b";
static const Verification web = { .name = web_name, .type = VERIFICATION_HTTP01 },
                          dns = { .name = dns_name, .type = VERIFICATION_DNS01_DNSUPDATE },
                          tls = { .name = tls_name, .type = VERIFICATION_TLSALPN01 };
static const Verification *all[] = { &web, &dns, &tls };
static const AuthBlock auth = { .name = block_name,
                                .verifications = all,
                                .n_verifications = ELEMENTSOF(all) };

static void make_order(void)
{
    _cleanup_free_ char *request = NULL;
    const char *why;

    if (csr)
        return;
    key = make_key("P-256");
    request = make_request(key, NULL, san);
    ASSERT_OK(csr_parse(request, strlen(request), &csr, &why));
}

/* It becomes JSON and a line of the journal, and is printed. */
static void check_text(const char *text)
{
    json_auto_t *json = json_string(text);

    if (!json)
        abort();
    for (const char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            abort();
}

static void check_url(const char *url)
{
    json_auto_t *json = json_string(url);

    if (!json || strncmp(url, "https://", STRLEN("https://")) != 0)
        abort();
}

/* Frees the failure. 500 would blame the server for what the CA says of the names. */
static void check_failure(Failure *failure)
{
    static const int statuses[] = { 403, 415, 421, 429, 503 };
    bool is_good = false;

    for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
        is_good |= failure->status == statuses[i];
    if (!is_good || !failure->reason || (failure->problem && !*failure->problem))
        abort();
    check_text(failure->reason);
    failure_done(failure);
}

static void note_order(const json_t *object, OrderRecord *record)
{
    _cleanup_free_ char *url = NULL;
    time_t expires;

    ASSERT_OK(order_object_note(object, record));
    if (record->finalize_url)
        check_url(record->finalize_url);
    if (record->expires && record->expires <= time(NULL) - 60)
        abort();
    /* A later object changes nothing. */
    url = record->finalize_url ? strdup(record->finalize_url) : NULL;
    expires = record->expires;
    ASSERT_OK(order_object_note(object, record));
    if (record->expires != expires || (url && !streq(url, record->finalize_url)))
        abort();
}

static void read_order(const SessionReply *reply)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    json_auto_t *payload =
        order_object_new(csr, problem_detail(reply->json),
                         json_string_value(json_object_get(reply->json, "replaces")));
    json_auto_t *finalize = order_object_finalize(csr);
    Failure failure = { 0 };

    if (json_array_size(json_object_get(payload, "identifiers")) != 6 || !finalize)
        abort();
    if (order_object_is_made(reply) && (!session_reply_is_good(reply) || !reply->location))
        abort();
    if (order_object_may_be_for_replaces(reply) && order_object_is_made(reply))
        abort();
    note_order(reply->json, &record);
    for (unsigned has_csr = 0; has_csr < 2; has_csr++) {
        order_object_set_end(reply->json, has_csr, reply->retry_after, &failure);
        check_failure(&failure);
    }
    if (!reply->problem)
        return;
    if (order_object_refuses_names(reply)) {
        order_object_set_names_refused(reply->problem, &failure);
        check_failure(&failure);
    }
    if (!order_object_set_csr_refused(reply, &failure))
        return;
    refusal_suspect_contact(&failure, REFUSED_FINALIZE, reply->problem, NULL);
    check_failure(&failure);
}

/* Else the CA could let acmems publish an answer for any name. */
static void check_identifier(const json_t *object, const Identifier *found)
{
    const json_t *identifier = json_object_get(object, "identifier");
    const char *value = json_string_value(json_object_get(identifier, "value"));
    char whole[DNS_NAME_MAX + 3];

    if (found->is_address) {
        if (found->is_wildcard || !strv_contains(csr->addresses, found->name))
            abort();
        return;
    }
    (void)snprintf(whole, sizeof(whole), "%s%s", found->is_wildcard ? "*." : "", found->name);
    if (!strv_contains(csr->names, whole) || strcasecmp(found->name, dns_name_base(value)) != 0)
        abort();
}

static void check_challenge(const json_t *challenge)
{
    const char *token, *url;

    (void)challenge_object_is_pending(challenge);
    (void)challenge_object_has_error(challenge);
    if (challenge_object_is_pending(challenge) + challenge_object_is_processing(challenge) +
            challenge_object_is_invalid(challenge) >
        1)
        abort();
    if (!challenge_object_read(challenge, &token, &url))
        return;
    check_url(url);
    /* It becomes the name of a file. */
    if (!*token || strchr(token, '/') || strchr(token, '.'))
        abort();
}

/* Answers the challenge of each verification in turn, as if the earlier ones had failed. */
static void read_challenges(const json_t *challenges, const Identifier *found)
{
    for (size_t n = 0; n <= auth.n_verifications; n++) {
        VerificationChoice choice = { .auth = &auth,
                                      .is_wildcard = found->is_wildcard,
                                      .is_address = found->is_address,
                                      .n_passed = n };
        Failure failure = { 0 };

        if (verification_choice_find(&choice, challenges)) {
            const json_t *challenge = verification_choice_challenge(&choice, challenges);

            if (!challenge || (found->is_wildcard && !choice.solver->serves_wildcards) ||
                (found->is_address && !choice.solver->serves_addresses))
                abort();
            check_challenge(challenge);
        } else {
            verification_choice_set_failure(&choice, str_or(found->name, "?"), &failure);
            check_failure(&failure);
        }
        verification_choice_done(&choice);
    }
}

static void read_authorization(const json_t *object)
{
    const json_t *challenges = json_object_get(object, "challenges");
    _cleanup_free_ char *name = authorization_object_name(object);
    _cleanup_free_ char *described = identifier_describe(object);
    Identifier found = { 0 };
    Failure failure = { 0 };

    if (name && (strlen(name) > DNS_NAME_MAX || !described))
        abort();
    if (name)
        check_text(name);
    if (described && strlen(described) > DNS_NAME_MAX + STRLEN("*."))
        abort();
    if (described)
        check_text(described);
    if (identifier_find(object, csr, &found))
        check_identifier(object, &found);
    read_challenges(challenges, &found);
    authorization_object_set_invalid(challenges, str_or(name, "?"), &failure);
    check_failure(&failure);
}

static void read_account(const json_t *account, const char *location)
{
    json_auto_t *registration = NULL;
    _cleanup_free_ char *left = NULL;
    const char *status = json_string_value(json_object_get(account, "status"));

    ASSERT_OK(registration_pack(key, account, NULL, SERVER, location, &registration));
    if (!registration_uri(registration) != !location ||
        !registration_status(registration) != !status ||
        (json_is_array(json_object_get(account, "contact")) &&
         !json_equal(registration_contact(registration), json_object_get(account, "contact"))))
        abort();
    /* It is still at its own CA, and leaves another one with its contacts. */
    ASSERT_OK(registration_leave(registration, SERVER, &left));
    if (left)
        abort();
    ASSERT_OK(registration_leave(registration, "https://other.example/directory", &left));
    if (!left != !location || registration_uri(registration) ||
        (left && registration_status(registration)))
        abort();
}

/* The same as a file of registration.json, also one of the Python server. */
static void read_registration(json_t *registration)
{
    _cleanup_free_ char *left = NULL;

    (void)registration_contact(registration);
    ASSERT_OK(registration_leave(registration, SERVER, &left));
    if (left)
        check_url(left);
}

static void read_reply(const FetchResult *result)
{
    json_auto_t *json = NULL;
    SessionReply reply = session_reply_read(result, &json);

    read_order(&reply);
    read_authorization(reply.json);
    read_account(reply.json, reply.location);
    (void)directory_terms(reply.json);
    read_registration(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = strndup((const char *)data, size), *location = NULL;
    char *body = text ? strchr(text, '\n') : NULL;
    static const long statuses[] = { 201, 400, 500 };

    if (!body)
        return 0;
    *body++ = '\0';
    make_order();
    location = url_resolve(URL, text);
    if (location)
        check_url(location);
    for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
        read_reply(&(FetchResult){ .status = statuses[i],
                                   .body = body,
                                   .size = strlen(body),
                                   .content_type = "application/json",
                                   .location = location,
                                   .retry_after = (unsigned)i });
    return 0;
}
