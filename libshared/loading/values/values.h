/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Parsers of the values of keys: each puts the value into the block or Config, or reports why it
 * cannot be used. */

#include "loading/values/loader.h"

/* text.c: words, numbers, paths */
ConfigParser value_path, value_bool, value_size, value_unsigned, value_level, value_obsolete,
    value_type, value_either, value_name, value_all;

/* account.c: of [account] */
ConfigParser value_acme_server, value_proxy, value_terms, value_contact, value_eab_kid;

/* network.c: addresses and hosts */
ConfigParser value_listener, value_dns_server, value_passthrough, value_ip, value_server_name;

/* names.c: domains and zones */
ConfigParser value_zone, value_domain;

/* secrets.c: keys, which no finding quotes */
ConfigParser value_tsig_key, value_secret_path, value_hmac_type, value_hmac_key, value_eab_hmac_key;

/* For parsers: sets the string of a key, or appends to its list. 0 or -ENOMEM. */
int value_set_string(const ConfigKey *key, const char *value, void *object);
int value_add_string(const ConfigKey *key, const char *value, void *object);

/* Whether the value is yes, no, true or false. */
bool value_is_yes_or_no(const char *value, bool *ret);
