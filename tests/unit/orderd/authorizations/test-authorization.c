/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the answers about an authorization (RFC 8555 §7.5) lead to. */

#include "authorizations/authorization.h"

#include "order-bed.h"

#define IDENTIFIER "'identifier': {'type': 'dns', 'value': 'a.example.org'}"
#define CHALLENGE(status)                                                                          \
    "{'type': 'http-01', 'status': '" status "', 'token': '" BED_TOKEN "', 'url': '@challenge/1'}"
#define AUTHZ(status, challenges)                                                                  \
    "{'status': '" status "', " IDENTIFIER ", 'challenges': [" challenges "]}"
#define FAILED                                                                                     \
    "{'type': 'http-01', 'status': 'invalid', 'error': {'type': "                                  \
    "'urn:ietf:params:acme:error:connection', 'detail': 'No way.'}}"
#define ATTEMPTED_AS(status)                                                                       \
    "{'type': 'http-01', 'status': '" status "', 'token': '" BED_TOKEN                             \
    "', 'url': '@challenge/1', "                                                                   \
    "'error': {'type': 'urn:ietf:params:acme:error:connection', 'detail': 'No way.'}}"
#define ATTEMPTED ATTEMPTED_AS("pending")
#define OF(type, value)                                                                            \
    "{'status': 'pending', 'identifier': {'type': '" type "', 'value': '" value "'}, "             \
    "'challenges': [" CHALLENGE("pending") "]}"
#define TWO                                                                                        \
    {                                                                                              \
        "new-order", 201,                                                                          \
            "{'status': 'pending', 'finalize': '@finalize/1', 'authorizations': "                  \
            "['@authz/1', '@authz/2']}",                                                           \
            "order/1"                                                                              \
    }
#define NAMES "DNS:a.example.org,DNS:b.example.org"
#define SECOND(status, challenges)                                                                 \
    "{'status': '" status "', 'identifier': {'type': 'dns', 'value': 'b.example.org'}, "           \
    "'challenges': [" challenges "]}"
static const BedCase cases[] = {
    { "it is valid already",
      { { "authz/1", 200, AUTHZ("valid", "") } },
      SEEN_PLACED "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA takes its time",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("processing")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("processing")), .retry_after = 9 },
        { "authz/1", 200, AUTHZ("processing", CHALLENGE("processing")), .retry_after = 7200 } },
      SEEN_PLACED SEEN_VALIDATED "wait 0.2 s\n"
                                 "authz/1\n"
                                 "wait 9 s\n"
                                 "authz/1\n"
                                 "wait 60 s\n"
                                 "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA asks to wait after the start",
      { { "challenge/1", 200, "{}", .retry_after = 4 } },
      SEEN_PLACED "authz/1\n"
                  "challenge/1 {} (published)\n"
                  "wait 4 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA could not connect",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("invalid", FAILED) } },
      SEEN_PLACED SEEN_VALIDATED
      "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA gives up and leaves the authorization pending",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", FAILED) } },
      SEEN_PLACED SEEN_VALIDATED
      "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA received a wrong response, and does not say so",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200,
          AUTHZ("pending",
                "{'type': 'http-01', 'status': 'invalid', 'error': {'type': "
                "'urn:ietf:params:acme:error:rejectedIdentifier', 'detail': 'No.'}}") } },
      SEEN_PLACED SEEN_VALIDATED
      "end 421: The CA could not validate: a.example.org: rejectedIdentifier: No. (some CAs report "
      "this for a wrong response to the challenge: check that the requests of the CA for this name "
      "reach acmems)\n" },
    { "the CA had given up before",
      { { "authz/1", 200, AUTHZ("pending", FAILED) } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA tries again when it is told to",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED), .retry_after = 5 },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) },
        { "authz/1", 200, AUTHZ("valid", "") } },
      SEEN_PLACED SEEN_VALIDATED "wait 0.2 s\n"
                                 "authz/1\n"
                                 "wait 5 s\n"
                                 "authz/1\n"
                                 "challenge/1 {} (published)\n"
                                 "wait 0.8 s\n"
                                 "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA refuses to try again",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "challenge/1", 200, "{}" },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED), .retry_after = 5 },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) },
        { "challenge/1", 400, CA_PROBLEM("malformed") },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) } },
      SEEN_PLACED SEEN_VALIDATED
      "wait 5 s\n"
      "authz/1\n"
      "challenge/1 {} (published)\n"
      "wait 0.4 s\n"
      "authz/1\n"
      "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA leaves the challenge pending, with an error",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED), .retry_after = 9 },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED), .retry_after = 14 },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED), .retry_after = 60 },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED) } },
      SEEN_PLACED SEEN_VALIDATED
      "wait 9 s\n"
      "authz/1\n"
      "challenge/1 {} (published)\n"
      "wait 0.4 s\n"
      "authz/1\n"
      "wait 14 s\n"
      "authz/1\n"
      "challenge/1 {} (published)\n"
      "wait 1.6 s\n"
      "authz/1\n"
      "wait 50 s\n"
      "authz/1\n"
      "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA goes on processing, with an error",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED_AS("processing")), .retry_after = 30 },
        { "authz/1", 200, AUTHZ("processing", ATTEMPTED_AS("processing")), .retry_after = 3600 },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED_AS("processing")) } },
      SEEN_PLACED SEEN_VALIDATED
      "wait 30 s\n"
      "authz/1\n"
      "wait 45 s\n"
      "authz/1\n"
      "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA succeeds after an attempt that failed",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", ATTEMPTED_AS("processing")), .retry_after = 30 },
        { "authz/1", 200, AUTHZ("valid", "") } },
      SEEN_PLACED SEEN_VALIDATED "wait 30 s\n"
                                 "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "invalid before the start",
      { { "authz/1", 200, AUTHZ("invalid", FAILED) } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "invalid without a reason",
      { { "authz/1", 200, AUTHZ("invalid", CHALLENGE("invalid")) } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA gave no reason\n" },
    { "deactivated",
      { { "authz/1", 200, AUTHZ("deactivated", "") } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 60: a.example.org: The CA withdrew an authorization before the "
                  "order was complete. Try again.\n" },
    { "expired",
      { { "authz/1", 200, AUTHZ("expired", "") } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 60: a.example.org: The CA withdrew an authorization before the "
                  "order was complete. Try again.\n" },
    { "revoked",
      { { "authz/1", 200, AUTHZ("revoked", "") } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 60: a.example.org: The CA withdrew an authorization before the "
                  "order was complete. Try again.\n" },
    { "an unknown state",
      { { "authz/1", 200, AUTHZ("curious", "") } },
      SEEN_PLACED "authz/1\n"
                  "pause 503, retry 3600: a.example.org: The CA reports an authorization state "
                  "that acmems does not know. Try again later.\n"
                  "wait 1 s\n"
                  "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "no state",
      { { "authz/1", 200, "{}" } },
      SEEN_PLACED "authz/1\n"
                  "pause 503, retry 60: The CA sent an unexpected answer to the request for an "
                  "authorization (HTTP status 200, JSON without a status). Try again later.\n"
                  "wait 1 s\n"
                  "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "a name of somebody else",
      { { "authz/1", 200, OF("dns", "b.example.org") } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 3600: The CA asked for the validation of b.example.org, which is "
                  "not a name of this order. acmems published nothing for it and ended the order. "
                  "The server's administrator must ask the CA for the reason.\n" },
    { "a wildcard that was not ordered",
      { { "authz/1", 200,
          "{'status': 'pending', 'wildcard': true, " IDENTIFIER ", 'challenges': "
          "[" CHALLENGE("pending") "]}" } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 3600: The CA asked for the validation of *.a.example.org, which "
                  "is not a name of this order. acmems published nothing for it and ended the "
                  "order. The server's administrator must ask the CA for the reason.\n" },
    { "an address that was not ordered",
      { { "authz/1", 200, OF("ip", "192.0.2.9") } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 3600: The CA asked for the validation of 192.0.2.9, which is not "
                  "a name of this order. acmems published nothing for it and ended the order. The "
                  "server's administrator must ask the CA for the reason.\n" },
    { "no name",
      { { "authz/1", 200, "{'status': 'pending', 'challenges': [" CHALLENGE("pending") "]}" } },
      SEEN_PLACED "authz/1\n"
                  "end 503, retry 3600: The CA asked for the validation of a name that it did not "
                  "send, which is not a name of this order. acmems published nothing for it and "
                  "ended the order. The server's administrator must ask the CA for the reason.\n" },
    { "another name in the second answer",
      { TWO,
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/2", 200, SECOND("valid", "") },
        { "authz/1", 200, OF("dns", "b.example.org") } },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}, {'type': 'dns', "
      "'value': 'b.example.org'}]}\n"
      "authz/1\n"
      "challenge/1 {} (published)\n"
      "authz/2\n"
      "wait 0.1 s\n"
      "authz/1\n"
      "end 503, retry 3600: The CA asked for the validation of b.example.org, which is not a name "
      "of this order. acmems published nothing for it and ended the order. The server's "
      "administrator must ask the CA for the reason.\n",
      .names = NAMES },
    { "no challenge",
      { { "authz/1", 200, AUTHZ("pending", "") } },
      SEEN_PLACED
      "authz/1\n"
      "pause 503, retry 3600: a.example.org: The CA sent an invalid challenge. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "no known challenge",
      { { "authz/1", 200,
          AUTHZ("pending", "{'type': 'dns-account-01', 'token': 't'}, {'type': 7}, {}, 9") } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA offers no http-01 "
                  "challenge (a wildcard needs dns-01)\n" },
    { "an unknown challenge beside http-01",
      { { "authz/1", 200,
          AUTHZ("pending", "{'type': 'new-01', 'token': 't'}, " CHALLENGE("pending")) } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "no token",
      { { "authz/1", 200, AUTHZ("pending", "{'type': 'http-01', 'url': '@challenge/1'}") } },
      SEEN_PLACED
      "authz/1\n"
      "pause 503, retry 3600: a.example.org: The CA sent an invalid challenge. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "a token that would be another file",
      { { "authz/1", 200,
          AUTHZ("pending", "{'type': 'http-01', 'token': '../x', 'url': '@challenge/1'}") } },
      SEEN_PLACED
      "authz/1\n"
      "pause 503, retry 3600: a.example.org: The CA sent an invalid challenge. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "a challenge without a URL",
      { { "authz/1", 200, AUTHZ("pending", "{'type': 'http-01', 'token': 't'}") } },
      SEEN_PLACED
      "authz/1\n"
      "pause 503, retry 3600: a.example.org: The CA sent an invalid challenge. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "a challenge without TLS",
      { { "authz/1", 200,
          AUTHZ("pending", "{'type': 'http-01', 'token': 't', 'url': 'http://ca.test/'}") } },
      SEEN_PLACED
      "authz/1\n"
      "pause 503, retry 3600: a.example.org: The CA sent an invalid challenge. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away before the answer is published",
      { { "authz/1", 0 } },
      SEEN_PLACED
      "authz/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away afterwards",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 0 },
        { "authz/1", 503, "", .retry_after = 20 },
        { "authz/1", 200, AUTHZ("valid", "") } },
      SEEN_PLACED SEEN_VALIDATED "wait 1 s\n"
                                 "authz/1\n"
                                 "wait 20 s\n"
                                 "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away for longer",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 503, "", .retry_after = 21 } },
      SEEN_PLACED SEEN_VALIDATED
      "pause 503, retry 21: The CA sent an unexpected answer to the request for an authorization "
      "(HTTP status 503, application/problem+json). Try again later.\n"
      "wait 21 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA forgets it",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 404, CA_PROBLEM("malformed") } },
      SEEN_PLACED SEEN_VALIDATED
      "end 503, retry 60: The CA rejected the request for an authorization: it does not know the "
      "URL, which it gave before. Try again later. The CA said: malformed: No.\n" },
    { "the start is lost",
      { { "challenge/1", 0 },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) } },
      SEEN_PLACED "authz/1\n"
                  "challenge/1 {} (published)\n"
                  "wait 1 s\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the answer to the start is lost",
      { { "challenge/1", 500, "", .type = "text/html" },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("processing")) } },
      SEEN_PLACED "authz/1\n"
                  "challenge/1 {} (published)\n"
                  "wait 1 s\n"
                  "authz/1\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "another order has started it",
      { { "challenge/1", 400, CA_PROBLEM("malformed") },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("processing")) } },
      SEEN_PLACED SEEN_VALIDATED "wait 0.2 s\n"
                                 "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA refuses to start",
      { { "challenge/1", 403, CA_PROBLEM("unauthorized"), .retry_after = 2 },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) } },
      SEEN_PLACED "authz/1\n"
                  "challenge/1 {} (published)\n"
                  "wait 2 s\n"
                  "authz/1\n"
                  "end 500: The CA refuses the server's ACME account. The server's administrator "
                  "must run 'acme-register CONFIG', which shows the state of the account. The CA "
                  "said: unauthorized: No.\n" },
    { "the CA refuses to start, without a problem document",
      { { "challenge/1", 403, "", .type = "text/plain" },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) } },
      SEEN_PLACED SEEN_VALIDATED
      "end 503, retry 60: The CA sent an unexpected answer to the request to start a validation "
      "(HTTP status 403, text/plain). Try again later.\n" },
    { "one of two names fails",
      { TWO,
        { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/2", 200, SECOND("invalid", FAILED) } },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}, {'type': 'dns', "
      "'value': 'b.example.org'}]}\n"
      "authz/1\n"
      "challenge/1 {} (published)\n"
      "authz/2\n"
      "wait 0.1 s\n"
      "authz/1\n"
      "end 421: The CA could not validate: b.example.org: connection: No way.\n",
      .names = NAMES },
    { "both names fail",
      { TWO,
        { "authz/1", 200, AUTHZ("invalid", FAILED) },
        { "authz/2", 200,
          SECOND("invalid", "{'error': {'type': 'urn:ietf:params:acme:error:dns', 'detail': "
                            "'No name.'}}") } },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}, {'type': 'dns', "
      "'value': 'b.example.org'}]}\n"
      "authz/1\n"
      "authz/2\n"
      "end 421: The CA could not validate: a.example.org: connection: No way.; b.example.org: dns: "
      "No name.\n",
      .names = NAMES },
    { "both names are valid",
      { TWO, { "authz/2", 200, SECOND("valid", "") } },
      "new-order {'identifiers': [{'type': 'dns', 'value': 'a.example.org'}, {'type': 'dns', "
      "'value': 'b.example.org'}]}\n"
      "authz/1\n"
      "challenge/1 {} (published)\n"
      "authz/2\n"
      "wait 0.1 s\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      .names = NAMES },
    { "the CA finds no process of ours",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("invalid", FAILED) } },
      SEEN_PLACED SEEN_VALIDATED
      "end 421: The CA could not validate: a.example.org: connection: No way. (no process of the "
      "server listens at 127.0.0.1:1: run systemctl enable acmems-http01.socket && systemctl "
      "restart acmems-http01.socket there)\n",
      .config = "verification = closed\n[verification \"closed\"]\ntype = http01\nlistener = "
                "127.0.0.1:1\n" },
    { "neither verification is offered",
      { { "authz/1", 200, AUTHZ("pending", "{'type': 'dns-01', 'token': 't'}") } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA offers no tls-alpn-01 "
                  "challenge (a wildcard needs dns-01)\n",
      .config = "verification = tls\n[verification \"tls\"]\ntype = tls-alpn01\n" },
    { "the first verification is not offered, the second one fails",
      { { "authz/1", 200, AUTHZ("pending", CHALLENGE("pending")) },
        { "authz/1", 200, AUTHZ("invalid", FAILED) } },
      SEEN_PLACED SEEN_VALIDATED "end 421: The CA could not validate: a.example.org: [verification "
                                 "\"tls\"]: the CA offers no tls-alpn-01 challenge (a wildcard "
                                 "needs dns-01); [verification \"http\"]: connection: No way.\n",
      .config = "verification = tls, http\n[verification \"tls\"]\ntype = tls-alpn01\n" },
};

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        bed_run_case(&cases[i]);
    return EXIT_SUCCESS;
}
