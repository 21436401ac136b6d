/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders that a TXT record proves: where it belongs, when the CA is told, and that it goes. */

#include "challenges/dns01.h"

#include "order-bed.h"
#include "scripted-dns.h"
#include "statedir/dns-record.h"
#include "strings/strv.h"

#define BLOCK                                                                                      \
    "verification = dns\n[verification \"dns\"]\ntype = dns01-dnsUpdate\n"                         \
    "dns-server = 192.0.2.53\ndns-server = 192.0.2.54\npropagation-timeout = 1\n"
#define RESOLVER "resolver = 192.0.2.1\n"
#define OWNER    "_acme-challenge.a.example.org"
/* the label of https://ca.test/account/1 */
#define LABELLED "_olyvb6oxga3g4ahi._acme-challenge.a.example.org"
#define SOA      "example.org. SOA ns1.example.org. x.example.org. 1 2 3 4 5"
#define AUTHZ(status, challenge)                                                                   \
    "{'status': '" status "', 'identifier': {'type': 'dns', 'value': 'a.example.org'}, "           \
    "'challenges': [{'type': '" challenge "', 'status': 'pending', 'token': '" BED_TOKEN "', "     \
    "'url': '@challenge/1'}]}"
#define NO_ALIAS                                                                                   \
    {                                                                                              \
        "192.0.2.53", "CNAME " OWNER, "NXDOMAIN"                                                   \
    }
#define IN_ZONE                                                                                    \
    {                                                                                              \
        "192.0.2.53", "SOA " OWNER, SOA                                                            \
    }
#define SERVER                                                                                     \
    { NULL, "NS example.org", "% NS ns1.example.org." },                                           \
        { NULL, "A ns1.example.org", "% A 192.0.2.11" }, { NULL, "AAAA ns1.example.org", "" },     \
    {                                                                                              \
        "192.0.2.11", "TXT " OWNER, "% TXT $"                                                      \
    }
#define ADDED                                                                                      \
    {                                                                                              \
        "192.0.2.53", "+TXT " OWNER, ""                                                            \
    }
#define REMOVED                                                                                    \
    {                                                                                              \
        "192.0.2.53", "-TXT " OWNER, ""                                                            \
    }

typedef struct Case {
    const char *name, *config;
    DnsRow dns[24];
    const char *seen;
    CaReply script[4];
} Case;

#define PENDING                                                                                    \
    {                                                                                              \
        "authz/1", 200, AUTHZ("pending", "dns-01")                                                 \
    }

static const Case cases[] = {
    { "all goes well",
      BLOCK RESOLVER,
      { { "192.0.2.1", "CNAME " OWNER, "" }, IN_ZONE, ADDED, SERVER, REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: % TXT $\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "no resolver is named",
      BLOCK "propagation-check = none\n",
      { NO_ALIAS, IN_ZONE, ADDED, REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.53 CNAME _acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "the zone is configured",
      BLOCK RESOLVER "zone = example.org\n",
      { { NULL, "CNAME " OWNER, "" }, ADDED, SERVER, REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: % TXT $\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "another zone is configured",
      BLOCK RESOLVER "zone = example.net\n",
      { { NULL, "CNAME " OWNER, "" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "end 421: The server could not publish in DNS: a.example.org: "
                  "_acme-challenge.a.example.org is not in the configured zone example.net\n",
      { PENDING } },
    { "the zone is above",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" },
        { NULL, "SOA " OWNER, "" },
        { NULL, "SOA a.example.org", "" },
        { NULL, "SOA example.org", "% SOA a. b. 1 2 3 4 5" },
        ADDED,
        SERVER,
        REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA a.example.org: nothing\n"
                  "192.0.2.53 SOA example.org: % SOA a. b. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: % TXT $\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "no zone",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" },
        { NULL, "SOA " OWNER, "" },
        { NULL, "SOA a.example.org", "" },
        { NULL, "SOA example.org", "" },
        { NULL, "SOA org", "" },
        { NULL, "SOA ", "" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA a.example.org: nothing\n"
                  "192.0.2.53 SOA example.org: nothing\n"
                  "192.0.2.53 SOA org: nothing\n"
                  "192.0.2.53 SOA : nothing\n"
                  "end 421: The server could not publish in DNS: a.example.org: no zone was found "
                  "for _acme-challenge.a.example.org\n",
      { PENDING } },
    { "no server knows the zone",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" },
        { "192.0.2.53", "SOA " OWNER, "REFUSED" },
        { "192.0.2.54", "SOA " OWNER, "-" SOA } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: REFUSED\n"
                  "192.0.2.54 SOA _acme-challenge.a.example.org: -example.org. SOA "
                  "ns1.example.org. x.example.org. 1 2 3 4 5\n"
                  "end 421: The server could not publish in DNS: a.example.org: no server reports "
                  "the zone of _acme-challenge.a.example.org (192.0.2.53: REFUSED; 192.0.2.54: it "
                  "is not authoritative for the name)\n",
      { PENDING } },
    { "the resolver does not answer",
      BLOCK RESOLVER,
      { { "192.0.2.1", "CNAME " OWNER, "timeout" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: timeout\n"
                  "end 421: The server could not publish in DNS: a.example.org: no resolver tells "
                  "whether _acme-challenge.a.example.org is an alias (192.0.2.1: timeout)\n",
      { PENDING } },
    { "the label of the account is before the other",
      BLOCK RESOLVER "label = account\npropagation-check = none\n",
      { { NULL, "CNAME " LABELLED, "" },
        { NULL, "SOA " LABELLED, SOA },
        { "192.0.2.53", "+TXT " LABELLED, "" },
        { "192.0.2.53", "-TXT " LABELLED, "" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME " LABELLED ": nothing\n"
                  "192.0.2.53 SOA " LABELLED ": example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT " LABELLED ": nothing\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED "192.0.2.53 -TXT " LABELLED ": nothing\n",
      { { "authz/1", 200, AUTHZ("pending", "dns-account-01") } } },
    { "the CA does not know the label of an account",
      BLOCK "label = account\n",
      { { NULL, NULL, NULL } },
      SEEN_PLACED "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA offers no "
                  "dns-account-01 challenge, which label = account needs\n",
      { PENDING } },
    { "queries to the servers are signed",
      BLOCK "tsig-key = hmac-sha256:k:c2VjcmV0\n",
      { { "192.0.2.53 signed", "CNAME " OWNER, "REFUSED" },
        { "192.0.2.54 signed", "CNAME " OWNER, "" },
        { "192.0.2.53 signed", "SOA " OWNER, "silent" },
        { "192.0.2.54 signed", "SOA " OWNER, SOA },
        { NULL, "+TXT " OWNER, "REFUSED" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.53 signed CNAME _acme-challenge.a.example.org: REFUSED\n"
                  "192.0.2.54 signed CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 signed SOA _acme-challenge.a.example.org: silent\n"
                  "wait 0.25 s\n"
                  "192.0.2.54 signed SOA _acme-challenge.a.example.org: example.org. SOA "
                  "ns1.example.org. x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: REFUSED\n"
                  "192.0.2.54 +TXT _acme-challenge.a.example.org: REFUSED\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "_acme-challenge.a.example.org cannot be added to the zone example.org "
                  "(192.0.2.53: REFUSED; 192.0.2.54: REFUSED)\n",
      { PENDING } },
    { "no server has the zone for unsigned queries",
      BLOCK RESOLVER "tsig-key = hmac-sha256:k:c2VjcmV0\nsign-queries = no\n",
      { { NULL, "CNAME " OWNER, "" }, { NULL, "SOA " OWNER, "REFUSED" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: REFUSED\n"
                  "192.0.2.54 SOA _acme-challenge.a.example.org: REFUSED\n"
                  "end 421: The server could not publish in DNS: a.example.org: no server reports "
                  "the zone of _acme-challenge.a.example.org (192.0.2.53: REFUSED (query not "
                  "signed: sign-queries = no); 192.0.2.54: REFUSED (query not signed: sign-queries "
                  "= no))\n",
      { PENDING } },
    { "a server does not accept the key for queries",
      BLOCK RESOLVER "tsig-key = hmac-sha256:k:c2VjcmV0\nzone = example.org\n",
      { { NULL, "CNAME " OWNER, "" },
        ADDED,
        { NULL, "NS example.org", "% NS ns1.example.org.\n% NS ns2.example.org." },
        { NULL, "A ns1.example.org", "% A 192.0.2.53" },
        { NULL, "AAAA ns1.example.org", "" },
        { NULL, "A ns2.example.org", "% A 192.0.2.12" },
        { NULL, "AAAA ns2.example.org", "" },
        { "192.0.2.53 signed", "TXT " OWNER, "!" },
        { "192.0.2.53", "TXT " OWNER, "" },
        { "192.0.2.12", "TXT " OWNER, "REFUSED" },
        REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.,% NS ns2.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.53\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.1 A ns2.example.org: % A 192.0.2.12\n"
                  "192.0.2.1 AAAA ns2.example.org: nothing\n"
                  "192.0.2.53 signed TXT _acme-challenge.a.example.org: !\n"
                  "192.0.2.12 TXT _acme-challenge.a.example.org: REFUSED\n"
                  "wait 0.1 s\n"
                  "192.0.2.53 TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.12 TXT _acme-challenge.a.example.org: REFUSED\n"
                  "wait 0.2 s\n"
                  "192.0.2.53 TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.12 TXT _acme-challenge.a.example.org: REFUSED\n"
                  "wait 0.4 s\n"
                  "192.0.2.53 TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.12 TXT _acme-challenge.a.example.org: REFUSED\n"
                  "wait 0.3 s\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "_acme-challenge.a.example.org is not visible on all name servers of the zone "
                  "example.org (ns1.example.org (192.0.2.53): it does not have the value yet "
                  "(NOTAUTH(BADKEY) to the signed query); ns2.example.org (192.0.2.12): REFUSED "
                  "(query not signed: the block does not list this server as dns-server))\n"
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "no server has the zone for queries without the key",
      BLOCK RESOLVER "tsig-key = hmac-sha256:k:c2VjcmV0\n",
      { { NULL, "CNAME " OWNER, "" }, { NULL, "SOA " OWNER, "!-" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 signed SOA _acme-challenge.a.example.org: !-\n"
                  "192.0.2.54 signed SOA _acme-challenge.a.example.org: !-\n"
                  "end 421: The server could not publish in DNS: a.example.org: no server reports "
                  "the zone of _acme-challenge.a.example.org (192.0.2.53: it is not authoritative "
                  "for the name (NOTAUTH(BADKEY) to the signed query); 192.0.2.54: it is not "
                  "authoritative for the name (NOTAUTH(BADKEY) to the signed query))\n",
      { PENDING } },
    { "there is no zone for queries without the key",
      BLOCK RESOLVER "tsig-key = hmac-sha256:k:c2VjcmV0\n",
      { { NULL, "CNAME " OWNER, "" },
        { NULL, "SOA " OWNER, "" },
        { NULL, "SOA a.example.org", "" },
        { NULL, "SOA example.org", "" },
        { NULL, "SOA org", "" },
        { NULL, "SOA ", "!" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 signed SOA _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 signed SOA a.example.org: nothing\n"
                  "192.0.2.53 signed SOA example.org: nothing\n"
                  "192.0.2.53 signed SOA org: nothing\n"
                  "192.0.2.53 signed SOA : !\n"
                  "end 421: The server could not publish in DNS: a.example.org: no zone was found "
                  "for _acme-challenge.a.example.org (192.0.2.53: NOTAUTH(BADKEY) to the signed "
                  "query)\n",
      { PENDING } },
    { "the second server takes the update",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" },
        IN_ZONE,
        { "192.0.2.53", "+TXT " OWNER, "timeout" },
        { "192.0.2.54", "+TXT " OWNER, "" },
        SERVER,
        { "192.0.2.53", "-TXT " OWNER, "REFUSED" },
        { "192.0.2.54", "-TXT " OWNER, "" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: timeout\n"
                  "192.0.2.54 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: % TXT $\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.54 -TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: REFUSED\n",
      { PENDING } },
    { "no server takes the update",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" }, IN_ZONE, { NULL, "+TXT " OWNER, "REFUSED" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: REFUSED\n"
                  "192.0.2.54 +TXT _acme-challenge.a.example.org: REFUSED\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "_acme-challenge.a.example.org cannot be added to the zone example.org "
                  "(192.0.2.53: REFUSED; 192.0.2.54: REFUSED)\n",
      { PENDING } },
    { "the record does not become visible",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" },
        IN_ZONE,
        ADDED,
        { NULL, "NS example.org", "% NS ns1.example.org." },
        { NULL, "A ns1.example.org", "% A 192.0.2.11" },
        { NULL, "AAAA ns1.example.org", "" },
        { "192.0.2.11", "TXT " OWNER, "" },
        REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: nothing\n"
                  "wait 0.1 s\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: nothing\n"
                  "wait 0.2 s\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: nothing\n"
                  "wait 0.4 s\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: nothing\n"
                  "wait 0.3 s\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "_acme-challenge.a.example.org is not visible on all name servers of the zone "
                  "example.org (ns1.example.org (192.0.2.11): it does not have the value yet)\n"
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "nobody looks whether it is visible",
      BLOCK RESOLVER "propagation-check = none\n",
      { { NULL, "CNAME " OWNER, "" }, IN_ZONE, ADDED, REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "the removal fails for some time",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" },
        IN_ZONE,
        ADDED,
        SERVER,
        { "192.0.2.53", "-TXT " OWNER, "SERVFAIL" },
        { "192.0.2.53", "-TXT " OWNER, "timeout" },
        REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: % TXT $\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n" SEEN_FINALIZED SEEN_ISSUED
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: SERVFAIL\n"
                  "wait 1 s\n"
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: timeout\n"
                  "wait 2 s\n"
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING } },
    { "the CA does not offer it",
      BLOCK RESOLVER,
      { { 0 } },
      SEEN_PLACED
      "authz/1\n"
      "end 421: The CA could not validate: a.example.org: the CA offers no dns-01 challenge\n",
      { { "authz/1", 200, AUTHZ("pending", "http-01") } } },
    { "the name fails at the CA",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "" }, IN_ZONE, ADDED, SERVER, REMOVED },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: nothing\n"
                  "192.0.2.1 NS example.org: % NS ns1.example.org.\n"
                  "192.0.2.1 A ns1.example.org: % A 192.0.2.11\n"
                  "192.0.2.1 AAAA ns1.example.org: nothing\n"
                  "192.0.2.11 TXT _acme-challenge.a.example.org: % TXT $\n"
                  "challenge/1 {}\n"
                  "wait 0.1 s\n"
                  "authz/1\n"
                  "end 421: The CA could not validate: a.example.org: the CA gave no reason\n"
                  "192.0.2.53 -TXT _acme-challenge.a.example.org: nothing\n",
      { PENDING, { "authz/1", 200, AUTHZ("invalid", "dns-01") } } },

    { "an alias into another zone",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "% CNAME v.example.net." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.net", "" },
        { NULL, "SOA v.example.net", "example.net. SOA a. b. 1 2 3 4 5" },
        { "192.0.2.53", "+TXT v.example.net", "REFUSED" },
        { NULL, "+TXT v.example.net", "REFUSED" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: nothing\n"
                  "192.0.2.53 SOA v.example.net: example.net. SOA a. b. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT v.example.net: REFUSED\n"
                  "192.0.2.54 +TXT v.example.net: REFUSED\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "v.example.net cannot be added to the zone example.net (192.0.2.53: REFUSED; "
                  "192.0.2.54: REFUSED)\n",
      { PENDING } },
    { "two aliases",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "% CNAME v.example.net." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.net", "% CNAME w.example.org." },
        { NULL, "CNAME ?.v.example.net", "" },
        { NULL, "CNAME w.example.org", "" },
        { NULL, "SOA w.example.org", SOA },
        { NULL, "+TXT w.example.org", "REFUSED" } },
      SEEN_PLACED
      "authz/1\n"
      "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
      "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
      "192.0.2.1 CNAME v.example.net: % CNAME w.example.org.\n"
      "192.0.2.1 CNAME ?.v.example.net: nothing\n"
      "192.0.2.1 CNAME w.example.org: nothing\n"
      "192.0.2.53 SOA w.example.org: example.org. SOA ns1.example.org. x.example.org. 1 2 3 4 5\n"
      "192.0.2.53 +TXT w.example.org: REFUSED\n"
      "192.0.2.54 +TXT w.example.org: REFUSED\n"
      "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
      "w.example.org cannot be added to the zone example.org (192.0.2.53: REFUSED; 192.0.2.54: "
      "REFUSED)\n",
      { PENDING } },
    { "an alias that a wildcard makes, which the record replaces",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "% CNAME v.example.net." },
        { NULL, "CNAME ?." OWNER, "% CNAME v.example.net." },
        IN_ZONE,
        { NULL, "+TXT " OWNER, "REFUSED" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.53 SOA _acme-challenge.a.example.org: example.org. SOA ns1.example.org. "
                  "x.example.org. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT _acme-challenge.a.example.org: REFUSED\n"
                  "192.0.2.54 +TXT _acme-challenge.a.example.org: REFUSED\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "_acme-challenge.a.example.org cannot be added to the zone example.org "
                  "(192.0.2.53: REFUSED; 192.0.2.54: REFUSED)\n",
      { PENDING } },
    { "a loop of aliases",
      BLOCK RESOLVER,
      { { NULL, "CNAME " OWNER, "% CNAME v.example.net." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.net", "% CNAME " OWNER "." },
        { NULL, "CNAME ?.v.example.net", "NXDOMAIN" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: % CNAME _acme-challenge.a.example.org.\n"
                  "192.0.2.1 CNAME ?.v.example.net: NXDOMAIN\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "end 421: The server could not publish in DNS: a.example.org: the aliases "
                  "(CNAME) form a loop or a chain that is too long, at v.example.net\n",
      { PENDING } },
    { "an alias into a zone that is permitted",
      BLOCK RESOLVER "alias-zone = example.net\n",
      { { NULL, "CNAME " OWNER, "% CNAME v.example.net." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.net", "" },
        { NULL, "SOA v.example.net", "example.net. SOA a. b. 1 2 3 4 5" },
        { NULL, "+TXT v.example.net", "REFUSED" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: nothing\n"
                  "192.0.2.53 SOA v.example.net: example.net. SOA a. b. 1 2 3 4 5\n"
                  "192.0.2.53 +TXT v.example.net: REFUSED\n"
                  "192.0.2.54 +TXT v.example.net: REFUSED\n"
                  "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
                  "v.example.net cannot be added to the zone example.net (192.0.2.53: REFUSED; "
                  "192.0.2.54: REFUSED)\n",
      { PENDING } },
    { "an alias into a zone that is not permitted",
      BLOCK RESOLVER "alias-zone = example.com\n",
      { { NULL, "CNAME " OWNER, "% CNAME v.example.net." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.net", "" },
        { NULL, "SOA v.example.net", "example.net. SOA a. b. 1 2 3 4 5" } },
      SEEN_PLACED "authz/1\n"
                  "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.net.\n"
                  "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
                  "192.0.2.1 CNAME v.example.net: nothing\n"
                  "192.0.2.53 SOA v.example.net: example.net. SOA a. b. 1 2 3 4 5\n"
                  "end 421: The server could not publish in DNS: a.example.org: the aliases "
                  "(CNAME) of _acme-challenge.a.example.org lead to v.example.net in the zone "
                  "example.net, which [verification \"dns\"] does not permit; correct the alias, "
                  "or add alias-zone = example.net to the block\n",
      { PENDING } },
    { "an alias that stays in the zone of the name",
      BLOCK RESOLVER "alias-zone = example.com\n",
      { { NULL, "CNAME " OWNER, "% CNAME v.example.org." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.org", "" },
        { NULL, "SOA v.example.org", SOA },
        { NULL, "SOA a.example.org", SOA },
        { NULL, "+TXT v.example.org", "REFUSED" } },
      SEEN_PLACED
      "authz/1\n"
      "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.org.\n"
      "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
      "192.0.2.1 CNAME v.example.org: nothing\n"
      "192.0.2.53 SOA v.example.org: example.org. SOA ns1.example.org. x.example.org. 1 2 3 4 5\n"
      "192.0.2.53 SOA a.example.org: example.org. SOA ns1.example.org. x.example.org. 1 2 3 4 5\n"
      "192.0.2.53 +TXT v.example.org: REFUSED\n"
      "192.0.2.54 +TXT v.example.org: REFUSED\n"
      "end 421: The server could not publish in DNS: a.example.org: its TXT record at "
      "v.example.org cannot be added to the zone example.org (192.0.2.53: REFUSED; 192.0.2.54: "
      "REFUSED)\n",
      { PENDING } },
    { "an alias into a part of the zone that is delegated",
      BLOCK RESOLVER "alias-zone = example.com\n",
      { { NULL, "CNAME " OWNER, "% CNAME v.example.org." },
        { NULL, "CNAME ?." OWNER, "NXDOMAIN" },
        { NULL, "CNAME v.example.org", "" },
        { NULL, "SOA v.example.org", SOA },
        { NULL, "SOA a.example.org", "a.example.org. SOA a. b. 1 2 3 4 5" } },
      SEEN_PLACED
      "authz/1\n"
      "192.0.2.1 CNAME _acme-challenge.a.example.org: % CNAME v.example.org.\n"
      "192.0.2.1 CNAME ?._acme-challenge.a.example.org: NXDOMAIN\n"
      "192.0.2.1 CNAME v.example.org: nothing\n"
      "192.0.2.53 SOA v.example.org: example.org. SOA ns1.example.org. x.example.org. 1 2 3 4 5\n"
      "192.0.2.53 SOA a.example.org: a.example.org. SOA a. b. 1 2 3 4 5\n"
      "end 421: The server could not publish in DNS: a.example.org: the aliases (CNAME) of "
      "_acme-challenge.a.example.org lead to v.example.org in the zone example.org, which "
      "[verification \"dns\"] does not permit; correct the alias, or add alias-zone = example.org "
      "to the block\n",
      { PENDING } },
};

static bool is_noted(const Bed *b)
{
    _cleanup_strv_ char **keys = NULL;

    ASSERT_OK(dns_record_list(b->config->state_directory, &keys));
    return keys;
}

static void run(const Case *c)
{
    Bed b;

    bed_open(&b, c->config, "", "DNS:a.example.org");
    ca_start(c->script);
    dns_start(c->dns);
    bed_order(&b);
    clock_run(b.event, NULL, now_monotonic() + 3600 * USEC_PER_SEC);
    ASSERT_TRUE(b.is_over);
    ASSERT_FALSE(bed_has_record(&b));
    ASSERT_FALSE(is_noted(&b));
    trace_assert(c->name, c->seen);
    ca_assert_done(c->name);
    bed_close(&b);
    ASSERT_FALSE(dns_first);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        run(&cases[i]);
    return EXIT_SUCCESS;
}
