/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The records of an answer: aliases, zones, name servers, addresses, TXT values. */

#include "dns/message.h"

#define DNS_NAMES_MAX 16U /* names of a set that are looked at */

/* Where an alias at @name leads, by CNAME or DNAME (RFC 6672); NULL: there is none. 0 or -ENOMEM.
 */
int dns_answer_alias(const ldns_pkt *answer, const char *name, char **ret);

/* The zone that @name is in, by the SOA record of an authoritative answer; NULL: it does not tell.
 * 0 or -ENOMEM. */
int dns_answer_zone(const ldns_pkt *answer, const char *name, char **ret);

/* The servers that @zone names, DNS_NAMES_MAX at the most. 0 or -ENOMEM. *ret: strv_free(). */
int dns_answer_name_servers(const ldns_pkt *answer, const char *zone, char ***ret);

/* Adds the addresses in the answer. 0 or -ENOMEM. */
int dns_answer_addresses(const ldns_pkt *answer, DnsServers *servers);

/* Whether the record is in it. */
bool dns_answer_has_text(const ldns_pkt *answer, const DnsText *text);
