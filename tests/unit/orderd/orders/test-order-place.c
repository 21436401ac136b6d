/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What newOrder leads to: refusals, pauses that later orders keep, other accounts, limits. */

#include "orders/order-place.h"

#include "order-bed.h"
#include "statedir/account/account-dir.h"

#define REFUSED(status, type)                                                                      \
    {                                                                                              \
        "new-order", status, CA_PROBLEM(type)                                                      \
    }
#define TWO                                                                                        \
    "account = one, two\n[account \"two\"]\nacme-server = https://ca.test/2/dir\n"                 \
    "accept-terms-of-service = yes\n"
#define WITH(more)                                                                                 \
    {                                                                                              \
        "dir", 200, "{" CA_DIRECTORY ", " more "}"                                                 \
    }
#define PROFILES(list) WITH("'meta': {'profiles': {" list "}}")
#define RENEWAL        WITH("'renewalInfo': '@renewal'")
#define MADE(replaces)                                                                             \
    {                                                                                              \
        "new-order", 201,                                                                          \
            "{'status': 'pending', 'finalize': '@finalize/1', 'authorizations': "                  \
            "['@authz/1']" replaces "}",                                                           \
            "order/1"                                                                              \
    }

static const BedCase cases[] = {
    { "the CA is away",
      { { "new-order", 0 } },
      SEEN_PLACED
      "end 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n" },
    { "the CA is broken",
      { { "new-order", 503, "", .type = "text/html", .retry_after = 5 } },
      SEEN_PLACED "end 503, retry 5: The CA sent an unexpected answer to the request for a new "
                  "order (HTTP status 503, text/html). Try again later.\n" },
    { "the CA is broken, and says so without a type",
      { { "new-order", 500, "{'detail': 'Out of cheese.'}", .type = "application/problem+json" } },
      SEEN_PLACED "end 503, retry 60: The CA sent an unexpected answer to the request for a new "
                  "order (HTTP status 500). Try again later. The CA said: Out of cheese.\n" },
    { "the CA sends no URL",
      { { "new-order", 201, "{'status': 'pending'}" } },
      SEEN_PLACED "end 503, retry 60: The CA sent an unexpected answer to the request for a new "
                  "order (HTTP status 201, without an https URL in Location). Try again later.\n" },
    { "the CA sends no URL, with status 200",
      { { "new-order", 200, "{'status': 'pending'}" } },
      SEEN_PLACED "end 503, retry 60: The CA sent an unexpected answer to the request for a new "
                  "order (HTTP status 200, without an https URL in Location). Try again later.\n" },
    { "the CA sends a URL without TLS",
      { { "new-order", 201, "{'status': 'pending'}", "http://ca.test/o" } },
      SEEN_PLACED "end 503, retry 60: The CA sent an unexpected answer to the request for a new "
                  "order (HTTP status 201, without an https URL in Location). Try again later.\n" },
    { "the CA sends an error with a URL",
      { { "new-order", 400, CA_PROBLEM("malformed"), "order/1" } },
      SEEN_PLACED "end 415: The CA did not accept an order for the names in this CSR. The CA said: "
                  "malformed: No.\n" },
    { "an order that is there already, with status 200",
      { { "new-order", 200,
          "{'status': 'ready', 'finalize': '@finalize/1', 'authorizations': ['@authz/1']}",
          "order/1" } },
      SEEN_PLACED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA finds the names redundant",
      { REFUSED(400, "malformed") },
      SEEN_PLACED "end 415: The CA did not accept an order for the names in this CSR. The CA said: "
                  "malformed: No.\n" },
    { "the CA refuses a CSR that it has not seen",
      { REFUSED(400, "badCSR") },
      SEEN_PLACED "end 415: The CA did not accept an order for the names in this CSR. The CA said: "
                  "badCSR: No. " BED_WANTS_CONTACT "\n" },
    { "the CA refuses an account without a contact",
      { REFUSED(403, "unauthorized") },
      SEEN_PLACED "end 500: The CA refuses the server's ACME account. The server's administrator "
                  "must run 'acme-register CONFIG', which shows the state of the account. The CA "
                  "said: unauthorized: No. " BED_WANTS_CONTACT "\n" },
    { "the CA wants a contact, says so, and calls it malformed",
      { { "new-order", 400,
          "{'type': 'urn:ietf:params:acme:error:malformed', 'detail': 'Account has no "
          "E-Mail.'}" } },
      SEEN_PLACED "end 415: The CA did not accept an order for the names in this CSR. The CA said: "
                  "malformed: Account has no E-Mail. " BED_WANTS_CONTACT "\n" },
    { "the CA wants a contact",
      { REFUSED(400, "invalidContact") },
      SEEN_PLACED "end 500: The CA does not accept the contact address of the server's account. "
                  "The server's administrator must change it. The CA said: invalidContact: "
                  "No. " BED_WANTS_CONTACT "\n" },
    { "the CA refuses an account with a contact",
      { REFUSED(403, "unauthorized") },
      SEEN_PLACED "end 500: The CA refuses the server's ACME account. The server's administrator "
                  "must run 'acme-register CONFIG', which shows the state of the account. The CA "
                  "said: unauthorized: No.\n",
      .account = "contact = a@example.org\n" },
    { "the CA refuses the name",
      { REFUSED(403, "rejectedIdentifier") },
      SEEN_PLACED "end 403: The CA does not issue certificates for one of the names. Remove it "
                  "from the CSR. The CA said: rejectedIdentifier: No.\n" },
    { "an account that the CA does not know",
      { REFUSED(400, "accountDoesNotExist") },
      SEEN_PLACED "end 500: The CA does not know the server's ACME account. The server's "
                  "administrator must register it with 'acme-register --register "
                  "--accept-terms-of-service CONFIG'. The CA said: accountDoesNotExist: No.\n" },
    { "new terms",
      { REFUSED(403, "userActionRequired") },
      SEEN_PLACED "end 500: The CA has new terms of service. The server's administrator must "
                  "accept them with 'acme-register --accept-terms-of-service CONFIG'. The CA "
                  "said: userActionRequired: No.\n" },
    { "an error that nobody knows",
      { REFUSED(418, "teapot") },
      SEEN_PLACED "end 503, retry 3600: The CA reported an error that acmems does not know. The "
                  "server's administrator must look into it. The CA said: teapot: No.\n" },
    { "the account cannot be registered",
      { { "new-account", 403, CA_PROBLEM("unauthorized") } },
      "end 500: The CA refuses the server's ACME account. The server's administrator must run "
      "'acme-register CONFIG', which shows the state of the account. The CA said: unauthorized: "
      "No. The server's administrator must set contact in [account] if the CA requires an e-mail "
      "address.\n" },
    { "the directory is away",
      { { "dir", 0 } },
      "end 503, retry 60: The CA cannot be reached: Connection refused: unless the CA is down, "
      "check acme-server and the firewall. Try again later.\n" },

    { "a limit of the CA, which later orders keep",
      { { "new-order", 429, CA_PROBLEM("rateLimited"), .retry_after = 100 } },
      SEEN_PLACED "end 429, retry 100: The CA limits the rate of certificates. Try again later. "
                  "The CA said: rateLimited: No.\n"
                  "-- 40 s later\n"
                  "end 429, retry 60: acmems does not contact the CA again before the time in "
                  "Retry-After, because an earlier order failed: The CA limits the rate of "
                  "certificates. Try again later. The CA said: rateLimited: No.\n"
                  "-- 61 s later\n" SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      .gaps = { 40, 61 } },
    { "a limit of the CA without a time",
      { REFUSED(429, "rateLimited"), REFUSED(429, "rateLimited") },
      SEEN_PLACED "end 429, retry 3600: The CA limits the rate of certificates. Try again later. "
                  "The CA said: rateLimited: No.\n"
                  "-- 3599 s later\n"
                  "end 429, retry 1: acmems does not contact the CA again before the time in "
                  "Retry-After, because an earlier order failed: The CA limits the rate of "
                  "certificates. Try again later. The CA said: rateLimited: No.\n"
                  "-- 2 s later\n" SEEN_PLACED
                  "end 429, retry 3600: The CA limits the rate of certificates. Try again later. "
                  "The CA said: rateLimited: No.\n"
                  "-- 7199 s later\n"
                  "end 429, retry 1: acmems does not contact the CA again before the time in "
                  "Retry-After, because an earlier order failed: The CA limits the rate of "
                  "certificates. Try again later. The CA said: rateLimited: No.\n",
      .gaps = { 3599, 2, 7199 } },
    { "a name that failed",
      { { "authz/1", 200,
          "{'status': 'invalid', 'identifier': {'type': 'dns', 'value': 'a.example.org'}}" },
        { "authz/1", 200,
          "{'status': 'invalid', 'identifier': {'type': 'dns', 'value': 'a.example.org'}}" } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA gave no reason\n"
                  "-- 1 s later\n"
                  "end 421, retry 59: acmems does not contact the CA again before the time in "
                  "Retry-After; 'acmemsctl clear a.example.org' on the server ends the pause. An "
                  "earlier order failed: a.example.org: the CA gave no reason\n"
                  "-- 60 s later\n" SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA gave no reason\n"
                  "-- 90 s later\n"
                  "end 421, retry 30: acmems does not contact the CA again before the time in "
                  "Retry-After; 'acmemsctl clear a.example.org' on the server ends the pause. An "
                  "earlier order failed: a.example.org: the CA gave no reason\n"
                  "-- 40 s later\n" SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      .gaps = { 1, 60, 90, 40 } },
    { "an outage: the CA is tried less and less",
      { { "new-order", 0 }, { "new-order", 0 }, { "new-order", 0 }, { "new-order", 0 } },
      SEEN_PLACED
      "end 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "-- 5 s later\n" SEEN_PLACED
      "end 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "-- 6 s later\n" SEEN_PLACED
      "end 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "-- 1 s later\n" SEEN_PLACED
      "end 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "-- 1 s later\n"
      "end 503, retry 2: The CA is not available. acmems does not contact it again before the time "
      "in Retry-After. The last error: The CA cannot be reached: Connection refused. Try again "
      "later.\n",
      .gaps = { 5, 6, 1, 1 } },
    { "the next account when the first one cannot be registered",
      { { "dir", 0 } },
      "2/new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n" SEEN_VALIDATED
          SEEN_FINALIZED SEEN_ISSUED,
      .config = TWO },
    { "the next account at a limit",
      { { "new-order", 429, CA_PROBLEM("rateLimited"), .retry_after = 50 } },
      SEEN_PLACED
      "2/new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n" SEEN_VALIDATED
          SEEN_FINALIZED SEEN_ISSUED "-- 1 s later\n"
      "2/new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED "-- 50 s later\n" SEEN_PLACED
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .config = TWO,
      .gaps = { 1, 50 } },
    { "both CAs fail",
      { { "new-order", 429, CA_PROBLEM("rateLimited"), .retry_after = 50 },
        { "2/new-order", 429, CA_PROBLEM("rateLimited"), .retry_after = 40 } },
      SEEN_PLACED "2/new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n"
                  "end 429, retry 40: [account \"one\"]: The CA limits the rate of certificates. "
                  "Try again later. The CA said: rateLimited: No. [account \"two\"]: The CA limits "
                  "the rate of certificates. Try again later. The CA said: rateLimited: No.\n",
      .config = TWO },
    { "a refused name is refused everywhere",
      { REFUSED(403, "rejectedIdentifier") },
      SEEN_PLACED "end 403: The CA does not issue certificates for one of the names. Remove it "
                  "from the CSR. The CA said: rejectedIdentifier: No.\n",
      .config = TWO },
    { "the second CA refuses the name",
      { { "new-order", 0 }, { "2/new-order", 403, CA_PROBLEM("rejectedIdentifier") } },
      SEEN_PLACED "2/new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n"
                  "end 403: The CA does not issue certificates for one of the names. Remove it "
                  "from the CSR. The CA said: rejectedIdentifier: No.\n",
      .config = TWO },
    { "the account of one CA is no good",
      { REFUSED(403, "userActionRequired") },
      SEEN_PLACED "end 500: The CA has new terms of service. The server's administrator must "
                  "accept them with 'acme-register --accept-terms-of-service CONFIG'. The CA "
                  "said: userActionRequired: No. This concerns [account \"one\"]: run "
                  "acme-register with --account=one.\n",
      .config = TWO },
    { "the CA goes away before the CSR is sent",
      { { "new-order", 201, "{'status': 'pending'}", "order/1" },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 } },
      SEEN_PLACED
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 2 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 4 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 8 s\n"
      "order/1\n"
      "2/new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}]}\n" SEEN_VALIDATED
          SEEN_FINALIZED SEEN_ISSUED,
      .config = TWO },
    { "the CA goes away after the CSR was sent",
      { { "finalize/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 0 },
        { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 2 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 4 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 8 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 16 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 32 s\n"
      "order/1\n" SEEN_ISSUED,
      .config = TWO },

    { "a profile",
      { PROFILES("'short': 'x', 'long': 'y'") },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'profile': "
      "'short'}\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      .account = "profile = short\n" },
    { "a profile that is not offered",
      { PROFILES("'long': 'y', 'longer': 'z'"), PROFILES("'long': 'y', 'longer': 'z'") },
      "end 500: The CA does not offer the profile 'short' that the server is configured to use. "
      "The server's administrator must set profile to one that the CA offers (long, longer).\n",
      .account = "profile = short\n" },
    { "no profiles",
      { { 0 } },
      "end 500: The CA does not offer the profile 'short' that the server is configured to use. "
      "The server's administrator must set profile to one that the CA offers (none).\n",
      .account = "profile = short\n" },
    { "a profile that is offered later",
      { PROFILES("'long': 'y'"), PROFILES("'short': 'x'") },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'profile': "
      "'short'}\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'profile': 'short'}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .account = "profile = short\n",
      .gaps = { 1 } },
    { "the profile of an auth block",
      { PROFILES("'short': 'x', 'long': 'y'") },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'profile': "
      "'long'}\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      .account = "profile = short\n",
      .config = "profile = long\n" },

    { "a renewal that the CA exempts",
      { RENEWAL, MADE(""), MADE(", 'replaces': 'a2V5IG9mIHRoZSBDQQ.AP4BIw'"),
        MADE(", 'replaces': 'a2V5IG9mIHRoZSBDQQ.AP4BIw'") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .gaps = { 1, 1 },
      .account = "orders-per-3h = 1\n" },
    { "a renewal that the CA does not exempt",
      { RENEWAL, MADE(""), MADE(""), MADE(", 'replaces': 'other'") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .gaps = { 1, 1 },
      .account = "orders-per-3h = 100\n" },
    { "a CA that exempted no renewal gets no further one above the limit",
      { RENEWAL, MADE(""), MADE("") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED "-- 1 s later\n"
      "end 429, retry 10799: The server's account has reached its limit of orders in 3 hours "
      "(orders-per-3h = 1). Try again after the time in Retry-After.\n",
      .gaps = { 1, 1 },
      .account = "orders-per-3h = 1\n" },
    { "a CA that refuses to replace",
      { RENEWAL, MADE(""), REFUSED(409, "alreadyReplaced"), MADE("") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n" SEEN_PLACED "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .gaps = { 1 } },
    { "a CA that refuses to replace, when no order is left",
      { RENEWAL, MADE(""), REFUSED(409, "alreadyReplaced") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "end 429, retry 10799: The server's account has reached its limit of orders in 3 hours "
      "(orders-per-3h = 1). Try again after the time in Retry-After.\n",
      .gaps = { 1 },
      .account = "orders-per-3h = 1\n" },
    { "a limit while a certificate is replaced",
      { RENEWAL, MADE(""), REFUSED(429, "rateLimited") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 1 s later\n"
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}], 'replaces': "
      "'a2V5IG9mIHRoZSBDQQ.AP4BIw'}\n"
      "end 429, retry 3600: The CA limits the rate of certificates. Try again later. The CA said: "
      "rateLimited: No.\n",
      .gaps = { 1 } },
    { "nothing is replaced without a cache",
      { RENEWAL },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED "-- 1 s later\n" SEEN_PLACED
                                                            "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .gaps = { 1 },
      .config = "storage = nowhere\n",
      .is_kept = true },

    { "our limit of orders",
      { { 0 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 3600 s later\n"
      "end 429, retry 7200: The server's account has reached its limit of orders in 3 hours "
      "(orders-per-3h = 1). Try again after the time in Retry-After.\n"
      "-- 7198 s later\n"
      "end 429, retry 2: The server's account has reached its limit of orders in 3 hours "
      "(orders-per-3h = 1). Try again after the time in Retry-After.\n"
      "-- 3 s later\n" SEEN_PLACED "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .account = "orders-per-3h = 1\n",
      .gaps = { 3600, 7198, 3 } },
    { "our limit of the same certificate",
      { { 0 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 3600 s later\n"
      "end 429, retry 601200: The limit of certificates for exactly these names in one week is "
      "reached (duplicate-certificates-per-week = 1). Try again after the time in Retry-After.\n"
      "-- 601201 s later\n" SEEN_PLACED "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .account = "duplicate-certificates-per-week = 1\n",
      .gaps = { 3600, 601201 } },
    { "our limit of a client",
      { { 0 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED
      "-- 3600 s later\n"
      "end 429, retry 82800: This client has reached its limit of orders in one day "
      "(orders-per-day = 1). Try again after the time in Retry-After.\n"
      "-- 82801 s later\n" SEEN_PLACED "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .config = "orders-per-day = 1\n",
      .gaps = { 3600, 82801 } },

    { "a wildcard that no verification serves",
      { { 0 } },
      "end 421: *.example.org: none of the verifications in the auth block can validate this name. "
      "The server's administrator must add one of type dns01-dnsUpdate (for wildcards) to [auth "
      "\"web\"].\n",
      .names = "DNS:*.example.org" },
};

/* A CSR with the key of the account (RFC 8555 §11.1). */
static void test_account_key(void)
{
    static const BedCase c = { "the key of the account",
                               { { 0 } },
                               "end 415: The CSR contains the key of the server's ACME account. "
                               "Make it with another key.\n" };
    _cleanup_free_ char *directory = NULL;
    Bed b;

    bed_open_case(&b, &c);
    directory = test_path(b.directory, "account");
    ASSERT_OK(account_key_save(directory, b.key, false));
    bed_run_orders(&b, &c);
}

/* A path below the bed's directory that is a file, where a directory is needed. */
static void test_blocked(const char *path, const BedCase *c)
{
    _cleanup_free_ char *full = NULL;
    Bed b;

    bed_open_case(&b, c);
    full = test_path(b.directory, path);
    (void)rmdir(full);
    test_write(b.directory, path, "no directory");
    bed_run_orders(&b, c);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        bed_run_case(&cases[i]);
    test_account_key();
    test_blocked("storage", &(const BedCase){ "a storage that cannot be written",
                                              { { 0 } },
                                              "end 500: The server failed to write its certificate "
                                              "storage. The server's journal says why.\n" });
    test_blocked("state/orders", &(const BedCase){ "a state directory that cannot be written",
                                                   { { 0 } },
                                                   "end 500: The server failed to write its state "
                                                   "directory. The server's journal says why.\n" });
    return EXIT_SUCCESS;
}
