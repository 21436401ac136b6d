/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Read the records of an answer: aliases, zones, name servers, addresses and TXT values. */

#include "dns/message.h"

#define DNS_NAMES_MAX 16U /* of one set of records; more are ignored */

/* Finds the target of an alias at @name, by CNAME or DNAME (RFC 6672); *ret NULL: @name is no
 * alias. The caller releases it with free(). 0 or -ENOMEM. */
int dns_answer_alias(const ldns_pkt *answer, const char *name, char **ret);

/* Finds the zone of @name, by the SOA record of an authoritative answer; *ret NULL: there is none.
 * The caller releases it with free(). 0 or -ENOMEM. */
int dns_answer_zone(const ldns_pkt *answer, const char *name, char **ret);

/* Lists the name servers of @zone, at most DNS_NAMES_MAX. The caller releases *ret with
 * strv_free(). 0 or -ENOMEM. */
int dns_answer_name_servers(const ldns_pkt *answer, const char *zone, char ***ret);

/* Adds the addresses in the answer to @servers. 0 or -ENOMEM. */
int dns_answer_addresses(const ldns_pkt *answer, DnsServers *servers);

/* Whether the answer contains the record. */
bool dns_answer_has_text(const ldns_pkt *answer, const DnsText *text);
