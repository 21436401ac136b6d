/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the states of an order at the CA (RFC 8555 §7.1.6) lead to. */

#include "orders/order.h"

#include "order-bed.h"

#define ORDER(status)                                                                              \
    "{'status': '" status "', 'finalize': '@finalize/1', 'authorizations': ['@authz/1']}"
#define VALID "{'status': 'valid', 'certificate': '@certificate/1'}"
#define AUTHZ                                                                                      \
    "{'status': 'pending', 'identifier': {'type': 'dns', 'value': 'a.example.org'}, "              \
    "'challenges': [{'type': 'http-01', 'status': 'pending', 'token': '" BED_TOKEN "', 'url': "    \
    "'@challenge/1'}]}"
#define NAME_PROBLEM                                                                               \
    "{'status': 'invalid', 'error': {'type': 'urn:ietf:params:acme:error:caa', 'detail': 'No.', "  \
    "'subproblems': [{'type': 'urn:ietf:params:acme:error:caa', 'detail': 'Not here.', "           \
    "'identifier': {'type': 'dns', 'value': 'a.example.org'}}]}}"

#define PAGE                                                                                       \
    "pause 503, retry 3600: The CA sent an unexpected answer to the request about the order "      \
    "(HTTP "                                                                                       \
    "status 500, text/html). Try again later.\n"

static const BedCase cases[] = {
    { "all goes well", { { 0 } }, SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA knows the names",
      { { "new-order", 201, ORDER("ready"), "order/1" } },
      SEEN_PLACED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA has the certificate",
      { { "new-order", 201, VALID, "order/1" }, { "order/1", 200, VALID } },
      SEEN_PLACED "order/1\n" SEEN_ISSUED },
    { "the CA needs time for the certificate",
      { { "finalize/1", 200, ORDER("processing") },
        { "order/1", 200, ORDER("processing") },
        { "order/1", 200, ORDER("processing"), .retry_after = 7 },
        { "order/1", 200, ORDER("processing") },
        { "order/1", 200, VALID } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED "wait 0.1 s\n"
                                                "order/1\n"
                                                "wait 0.2 s\n"
                                                "order/1\n"
                                                "wait 7 s\n"
                                                "order/1\n"
                                                "wait 0.8 s\n"
                                                "order/1\n" SEEN_ISSUED },
    { "the CA has not noticed that the names are valid",
      { { "finalize/1", 403, CA_PROBLEM("orderNotReady") },
        { "order/1", 200, ORDER("pending") },
        { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED "order/1\n"
                                                "wait 0.1 s\n"
                                                "order/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA never notices that the names are valid",
      { { "finalize/1", 403, CA_PROBLEM("orderNotReady") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED "order/1\n"
                                                "wait 0.1 s\n"
                                                "order/1\n"
                                                "wait 0.2 s\n"
                                                "order/1\n"
                                                "wait 0.4 s\n"
                                                "order/1\n"
                                                "wait 0.8 s\n"
                                                "order/1\n",
      3 },
    { "the CA does not show yet that it has the CSR",
      { { "finalize/1", 200, ORDER("ready") },
        { "order/1", 200, ORDER("ready") },
        { "order/1", 200, VALID } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED "wait 0.1 s\n"
                                                "order/1\n"
                                                "wait 0.2 s\n"
                                                "order/1\n" SEEN_ISSUED },
    { "the CA has lost the CSR",
      { { "finalize/1", 200, ORDER("ready") },
        { "order/1", 200, ORDER("ready") },
        { "order/1", 200, ORDER("ready") },
        { "order/1", 200, ORDER("ready") },
        { "order/1", 200, ORDER("ready") },
        { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "wait 0.1 s\n"
      "order/1\n"
      "wait 0.2 s\n"
      "order/1\n"
      "wait 0.4 s\n"
      "order/1\n"
      "wait 0.8 s\n"
      "order/1\n"
      "wait 1.6 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA returned the order to an earlier state. Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "a name is forbidden",
      { { "finalize/1", 200, NAME_PROBLEM } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 421: A CAA record forbids this CA to issue a certificate for one of the names. Correct "
      "the record. The CA said: caa: No.; a.example.org: caa: Not here.\n" },
    { "invalid without a reason",
      { { "finalize/1", 200, ORDER("invalid") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 421: The CA ended the order and gave no reason. Try again later.\n" },
    { "invalid for a reason of the account",
      { { "finalize/1", 200,
          "{'status': 'invalid', 'error': {'type': 'urn:ietf:params:acme:error:unauthorized', "
          "'detail': 'No.'}}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 421: The CA could not validate the names. The CA said: unauthorized: No.\n" },
    { "invalid because of a limit",
      { { "finalize/1", 200,
          "{'status': 'invalid', 'error': {'type': 'urn:ietf:params:acme:error:rateLimited', "
          "'detail': 'No.'}}",
          .retry_after = 77 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 429, retry 77: The CA limits the rate of certificates. Try again later. The CA said: "
      "rateLimited: No.\n" },
    { "an unknown state",
      { { "finalize/1", 200, ORDER("curious") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 3600: The CA reports an order state that acmems does not know. Try again "
      "later.\n"
      "wait 1 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED,
      2 },
    { "no state",
      { { "finalize/1", 200, "{}" }, { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 200, JSON without a status). Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "wait 0.1 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "no object",
      { { "finalize/1", 200, "[]" }, { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 200, application/json). Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "wait 0.1 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "half an object",
      { { "finalize/1", 200, "{'status': 'val" }, { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 200, application/json). Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "wait 0.1 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "an object that claims to be a page",
      { { "finalize/1", 200, VALID, .type = "text/html" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "valid without a certificate",
      { { "finalize/1", 200, "{'status': 'valid'}" }, { "order/1", 200, VALID } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA issued the certificate but sent no https URL for it. Try again "
      "later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "a certificate without TLS",
      { { "finalize/1", 200, "{'status': 'valid', 'certificate': 'http://ca.test/c'}" },
        { "order/1", 200, VALID } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA issued the certificate but sent no https URL for it. Try again "
      "later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "no authorizations",
      { { "new-order", 201, "{'status': 'pending', 'finalize': '@finalize/1'}", "order/1" } },
      SEEN_PLACED
      "pause 503, retry 3600: The CA sent an order with invalid authorizations. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      2 },
    { "an authorization that is no URL",
      { { "new-order", 201,
          "{'status': 'pending', 'finalize': '@finalize/1', 'authorizations': [7]}", "order/1" } },
      SEEN_PLACED
      "pause 503, retry 3600: The CA sent an order with invalid authorizations. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      2 },
    { "no URL to finalize",
      { { "new-order", 201, "{'status': 'pending', 'authorizations': ['@authz/1']}", "order/1" },
        { "order/1", 200, "{'status': 'ready'}" },
        { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED
      "order/1\n"
      "pause 503, retry 60: The CA sent no https URL to finalize the order. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away after the order was made",
      { { "new-order", 201, "{'status': 'pending'}", "order/1" },
        { "order/1", 0 },
        { "order/1", 0, .retry_after = 8 },
        { "order/1", 503, "", .retry_after = 20, .type = "text/html" },
        { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "pause 503, retry 8: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 8 s\n"
      "order/1\n"
      "pause 503, retry 20: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 503, text/html). Try again later.\n"
      "wait 20 s\n"
      "order/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away when the CSR is sent",
      { { "finalize/1", 0 }, { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the CA limits requests when the CSR is sent",
      { { "finalize/1", 429, CA_PROBLEM("rateLimited"), .retry_after = 30 },
        { "order/1", 200, ORDER("ready") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 429, retry 30: The CA limits the rate of certificates. Try again later. The CA said: "
      "rateLimited: No.\n"
      "wait 30 s\n"
      "order/1\n" SEEN_FINALIZED SEEN_ISSUED },
    { "the answer to the CSR is lost",
      { { "finalize/1", 0 }, { "order/1", 200, VALID } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "the CA is broken when the CSR is sent",
      { { "finalize/1", 500, CA_PROBLEM("serverInternal") }, { "order/1", 200, VALID } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "pause 503, retry 60: The CA has an internal error. Try again later. The CA said: "
      "serverInternal: No.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "the CA refuses the CSR",
      { { "finalize/1", 400, CA_PROBLEM("badCSR") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 415: The CA rejected this CSR. Create a new one that meets the CA's requirements. The "
      "CA said: badCSR: No.\n" },
    { "the CA refuses the CSR because the account has no contact",
      { { "finalize/1", 400,
          "{'type': 'urn:ietf:params:acme:error:badCSR', 'detail': 'No contact is set.'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 415: The CA rejected this CSR. Create a new one that meets the CA's requirements. The "
      "CA said: badCSR: No contact is set. " BED_WANTS_CONTACT "\n" },
    { "the CA wants a contact at the end",
      { { "finalize/1", 403, CA_PROBLEM("unsupportedContact") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 500: The CA does not support the contact address of the server's account. The server's "
      "administrator must change it. The CA said: unsupportedContact: No. " BED_WANTS_CONTACT
      "\n" },
    { "the CA finds other names in the CSR",
      { { "finalize/1", 403, CA_PROBLEM("unauthorized") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 415: The CA found other names in this CSR than were ordered. List every name in "
      "subjectAltName. The CA said: unauthorized: No.\n" },
    { "the CA requires an e-mail address, and says so at finalize",
      { { "finalize/1", 403,
          "{'type': 'urn:ietf:params:acme:error:unauthorized', 'detail': 'No e-mail.'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 415: The CA found other names in this CSR than were ordered. List every name in "
      "subjectAltName. The CA said: unauthorized: No e-mail. " BED_WANTS_CONTACT "\n" },
    { "the CA wants no emailAddress in the subject",
      { { "finalize/1", 400,
          "{'type': 'urn:ietf:params:acme:error:badCSR', 'detail': 'emailAddress in subject.'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED "end 415: The CA rejected this CSR. Create a new "
                                                "one that meets the CA's requirements. The CA "
                                                "said: badCSR: emailAddress in subject.\n" },
    { "the CA drops the order",
      { { "finalize/1", 404, CA_PROBLEM("malformed") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "end 503, retry 60: The CA rejected the request to finalize the order: it does not know the "
      "URL, "
      "which it gave before. Try again later. The CA said: malformed: No.\n" },
    { "an order cannot have expired when it is made: the clock is wrong",
      { { "new-order", 201,
          "{'status': 'pending', 'expires': '2020-01-01T00:00:00Z', 'finalize': '@finalize/1', "
          "'authorizations': ['@authz/1']}",
          "order/1" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the order expires while the CA works",
      { { "new-order", 201,
          "{'status': 'processing', 'expires': '#', 'finalize': '@finalize/1', "
          "'authorizations': ['@authz/1']}",
          "order/1", .retry_after = 3000 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3000 },
        { "order/1", 200, ORDER("processing") } },
      SEEN_PLACED "wait 3000 s\n"
                  "order/1\n"
                  "wait 600 s\n"
                  "order/1\n"
                  "end 503, retry 60: The order expired before the CA completed it. Try again.\n",
      .is_prefetch = true },
    { "the CA works for hours",
      { { "finalize/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 86400 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3500 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "wait 3600 s\n"
      "order/1\n"
      "wait 3600 s\n"
      "order/1\n"
      "wait 3600 s\n"
      "order/1\n"
      "wait 3500 s\n"
      "order/1\n"
      "wait 100 s\n"
      "order/1\n"
      "end 503, retry 60: The CA did not complete the order in time (order-timeout in [account]). "
      "acmems gave it up. Try again: a new order is made.\n",
      .is_prefetch = true },
    { "the CA works for hours, with errors in between",
      { { "finalize/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 500, "", .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3500 },
        { "order/1", 500, "" },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "wait 3600 s\n"
      "order/1\n"
      "wait 3600 s\n"
      "order/1\n"
      "pause 503, retry 3600: The CA sent an unexpected answer to the request about the order "
      "(HTTP status 500, application/problem+json). Try again later.\n"
      "wait 3600 s\n"
      "order/1\n"
      "wait 3500 s\n"
      "order/1\n"
      "pause 503, retry 60: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 500, application/problem+json). Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "wait 99 s\n"
      "order/1\n"
      "end 503, retry 60: The CA did not complete the order in time (order-timeout in [account]). "
      "acmems gave it up. Try again: a new order is made.\n",
      .is_prefetch = true },
    { "the order is a page for hours",
      { { "finalize/1", 200, ORDER("processing"), .retry_after = 50 },
        { "order/1", 500, "", .type = "text/html", .retry_after = 3600 },
        { "order/1", 500, "", .type = "text/html", .retry_after = 3600 },
        { "order/1", 500, "", .type = "text/html", .retry_after = 3600 },
        { "order/1", 500, "", .type = "text/html", .retry_after = 3600 },
        { "order/1", 500, "", .type = "text/html", .retry_after = 3600 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "wait 50 s\n"
      "order/1\n" PAGE "wait 3600 s\n"
      "order/1\n" PAGE "wait 3600 s\n"
      "order/1\n" PAGE "wait 3600 s\n"
      "order/1\n" PAGE "wait 3550 s\n"
      "order/1\n"
      "end 503, retry 3600: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 500, text/html). Try again later. The order took longer than order-timeout in "
      "[account], so acmems gave it up.\n" },
    { "the CA validates for hours",
      { { "challenge/1", 200, "{}", .retry_after = 3600 },
        { "authz/1", 200, AUTHZ },
        { "authz/1", 200, AUTHZ, .retry_after = 3600 },
        { "authz/1", 200, AUTHZ, .retry_after = 3600 },
        { "authz/1", 200, AUTHZ, .retry_after = 3600 } },
      SEEN_PLACED "authz/1\n"
                  "challenge/1 {} (published)\n"
                  "wait 3600 s\n"
                  "authz/1\n"
                  "wait 3600 s\n"
                  "authz/1\n"
                  "wait 3600 s\n"
                  "authz/1\n"
                  "wait 3600 s\n"
                  "end 503, retry 60: The CA did not complete the order in time (order-timeout in "
                  "[account]). acmems gave it up. Try again: a new order is made.\n",
      .is_prefetch = true },
    { "the order expires while the CA validates",
      { { "new-order", 201,
          "{'status': 'pending', 'expires': '#', 'finalize': '@finalize/1', 'authorizations': "
          "['@authz/1']}",
          "order/1" },
        { "challenge/1", 200, "{}", .retry_after = 3000 },
        { "authz/1", 200, AUTHZ },
        { "authz/1", 200, AUTHZ, .retry_after = 3000 } },
      SEEN_PLACED "authz/1\n"
                  "challenge/1 {} (published)\n"
                  "wait 3000 s\n"
                  "authz/1\n"
                  "wait 600 s\n"
                  "end 503, retry 60: The order expired before the CA completed it. Try again.\n",
      .is_prefetch = true },
    { "the order has expired while the CA is away",
      { { "new-order", 201, "{'status': 'processing', 'expires': '#', 'finalize': '@finalize/1'}",
          "order/1", .retry_after = 3600 },
        { "order/1", 0 } },
      SEEN_PLACED
      "wait 3600 s\n"
      "order/1\n"
      "end 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n",
      .is_prefetch = true },
    { "a wrong certificate",
      {
          { "certificate/1", 200, "", .type = "application/pem-certificate-chain" },
      },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "pause 503, retry 3600: The CA did not send the certificate that was ordered: it contains no "
      "certificate. Try again later.\n"
      "wait 1 s\n"
      "order/1\n"
      "authz/1\n" SEEN_FINALIZED SEEN_ISSUED },
};

/* An order of an earlier run, which went on at the CA meanwhile. */
static const BedCase resumed[] = {
    { "nothing has changed", { { 0 } }, "order/1\n" SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is done", { { "order/1", 200, VALID } }, "order/1\n" SEEN_ISSUED },
    { "the CA does not know it",
      { { "order/1", 404, CA_PROBLEM("malformed") } },
      "order/1\n" SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA does not know it, without a problem document",
      { { "order/1", 410, "", .type = "text/plain" } },
      "order/1\n" SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away",
      { { "order/1", 0 }, { "order/1", 200, VALID } },
      "order/1\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "the CA is broken",
      { { "order/1", 500, "", .type = "text/plain" }, { "order/1", 200, VALID } },
      "order/1\n"
      "pause 503, retry 60: The CA sent an unexpected answer to the request about the order (HTTP "
      "status 500, text/plain). Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "the CA limits requests",
      { { "order/1", 429, "", .type = "text/plain" }, { "order/1", 200, VALID } },
      "order/1\n"
      "pause 429, retry 3600: The CA limits the rate of requests. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "a name has failed",
      { { "order/1", 200, ORDER("invalid") },
        { "authz/1", 200,
          "{'status': 'invalid', 'identifier': {'type': 'dns', 'value': 'a.example.org'}, "
          "'challenges': [{'type': 'http-01', 'error': "
          "{'type': 'urn:ietf:params:acme:error:connection', 'detail': 'No way.'}}]}" } },
      "order/1\n"
      "authz/1\n"
      "end 421: The CA could not validate: a.example.org: connection: No way.\n" },
    { "the CA does not say which name has failed",
      {
          { "order/1", 200, NAME_PROBLEM },
      },
      "order/1\n"
      "end 421: A CAA record forbids this CA to issue a certificate for one of the names. Correct "
      "the record. The CA said: caa: No.; a.example.org: caa: Not here.\n" },
    { "the authorization says nothing",
      { { "order/1", 200, ORDER("invalid") }, { "authz/1", 0 } },
      "order/1\n"
      "authz/1\n"
      "end 421: The CA ended the order and gave no reason. Try again later.\n" },
    { "the authorization is pending",
      { { "order/1", 200, ORDER("invalid") } },
      "order/1\n"
      "authz/1\n"
      "end 421: The CA ended the order and gave no reason. Try again later.\n" },
};

static void run_resumed(const BedCase *c)
{
    static const CaReply before[] = { { "new-order", 201, "{'status': 'pending'}", "order/1" },
                                      { "order/1", 0 },
                                      { NULL } };
    Bed b;

    bed_open(&b, "", "", "DNS:a.example.org");
    ca_start(before);
    bed_order(&b);
    clock_run(b.event, &b.is_over, now_monotonic());
    trace_assert(
        "before", SEEN_PLACED
        "order/1\n"
        "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n");
    bed_drop(&b);
    ca_start(c->script);
    bed_resume(&b);
    clock_run(b.event, &b.is_over, bed_until(c));
    bed_end_case(&b, c);
}

/* order-timeout goes on counting over a restart. */
static void test_patience_over_restart(void)
{
    static const CaReply before[] = {
        { "finalize/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { NULL },
    };
    static const CaReply after[] = {
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { "order/1", 200, ORDER("processing"), .retry_after = 3600 },
        { NULL },
    };
    Bed b;

    bed_open(&b, "", "", "DNS:a.example.org");
    b.is_prefetch = true;
    ca_start(before);
    bed_order(&b);
    clock_run(b.event, &b.is_over, now_monotonic() + 3601 * USEC_PER_SEC);
    trace_assert("before the restart", SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED "wait 3600 s\n"
                                                                                 "order/1\n");
    bed_drop(&b);
    ca_start(after);
    bed_resume(&b);
    clock_run(b.event, &b.is_over, now_monotonic() + 86400 * USEC_PER_SEC);
    ASSERT_TRUE(b.is_over);
    trace_assert("after the restart",
                 "order/1\n"
                 "wait 3600 s\n"
                 "order/1\n"
                 "wait 3600 s\n"
                 "order/1\n"
                 "wait 3600 s\n"
                 "order/1\n"
                 "end 503, retry 60: The CA did not complete the order in time (order-timeout in "
                 "[account]). acmems gave it up. Try again: a new order is made.\n");
    ca_assert_done("after the restart");
    bed_close(&b);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        bed_run_case(&cases[i]);
    for (size_t i = 0; i < ELEMENTSOF(resumed); i++)
        run_resumed(&resumed[i]);
    test_patience_over_restart();
    return EXIT_SUCCESS;
}
