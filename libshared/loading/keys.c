/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/keys.h"

#include <stddef.h>

#include "loading/check.h"
#include "loading/values/references.h"
#include "loading/values/values.h"

#define HTTP01    (1U << VERIFICATION_HTTP01)
#define DNSUPDATE (1U << VERIFICATION_DNS01_DNSUPDATE)
#define TLSALPN01 (1U << VERIFICATION_TLSALPN01)
#define FILES     (1U << STORAGE_FILE)

#define IN(type, member)   .offset = offsetof(type, member)
#define LIST(type, member) IN(type, member), .repeated = true, .count = offsetof(type, n_##member)
#define NAMES(member)      .names = offsetof(Config, member)
/* The size of the array is negative, and so an error, if the table has too many keys. */
#define FITS(table)  sizeof(char[ELEMENTSOF(table) <= CONFIG_KEYS_MAX ? 1 : -1])
#define KEYS(table)  .keys = (table), .n_keys = ELEMENTSOF(table) * FITS(table)
#define TYPES(table) .types = (table), .n_types = ELEMENTSOF(table)
#define BLOCKS(type, member)                                                                       \
    .block_size = sizeof(type), .list = offsetof(Config, member),                                  \
    .count = offsetof(Config, n_##member)

static const ConfigKey account_keys[] = {
    { "acme-server", .parse = value_acme_server, IN(AccountBlock, server) },
    { "dir", .parse = value_path, IN(AccountBlock, directory) },
    { "ca-file", .parse = value_path, IN(AccountBlock, ca_file) },
    { "proxy", .parse = value_proxy, IN(AccountBlock, proxy) },
    { "accept-terms-of-service", .parse = value_terms,
      LIST(AccountBlock, accepted_terms_of_service) },
    { "contact", .parse = value_contact, LIST(AccountBlock, contacts) },
    { "preferred-chain", .parse = value_name, IN(AccountBlock, preferred_chain) },
    { "extra-names", .parse = value_either, IN(AccountBlock, refuses_extra_names),
      .words = { "accept", "refuse" } },
    { "profile", .parse = value_name, IN(AccountBlock, profile) },
    { "eab-kid", .parse = value_eab_kid, IN(AccountBlock, external.kid) },
    { "eab-hmac-key", .parse = value_eab_hmac_key, IN(AccountBlock, external.hmac_key) },
    { "eab-hmac-key-file", .parse = value_secret_path, IN(AccountBlock, external.hmac_key_file) },
    { "orders-per-3h", .parse = value_unsigned, IN(AccountBlock, orders_per_3h),
      .max = CONFIG_BUDGET_MAX },
    { "duplicate-certificates-per-week", .parse = value_unsigned,
      IN(AccountBlock, duplicate_certificates_per_week), .max = CONFIG_BUDGET_MAX },
    { "client-share", .parse = value_unsigned, IN(AccountBlock, client_share), .max = 100 },
    { "auth-share", .parse = value_unsigned, IN(AccountBlock, auth_share), .max = 100 },
    { "renewal-reserve", .parse = value_unsigned, IN(AccountBlock, renewal_reserve),
      .max = CONFIG_RENEWAL_RESERVE_MAX },
    { "order-timeout", .parse = value_unsigned, IN(AccountBlock, order_timeout),
      .max = CONFIG_ORDER_TIMEOUT_MAX, .unit = "seconds" },
};

static const ConfigKey state_keys[] = {
    { "directory", .parse = value_path, IN(Config, state_directory) },
    { "runtime-directory", .parse = value_path, IN(Config, runtime_directory) },
};

static const ConfigKey mgmt_keys[] = {
    { "listener", "mgmt", .parse = value_listener, LIST(Config, listeners) },
    { "max-size", .parse = value_size, IN(Config, max_size) },
    { "proxy-protocol", .parse = value_ip, LIST(Config, proxies) },
    { "default-verification", .parse = config_parse_defaults, IN(Config, default_verifications),
      .count = offsetof(Config, n_default_verifications), NAMES(verification_names) },
    { "default-storage", .parse = config_parse_default, IN(Config, default_storage),
      NAMES(storage_names) },
    { "server-name", .parse = value_server_name, LIST(Config, server_names) },
};

static const ConfigKey logging_keys[] = {
    { "level", .parse = value_level, IN(Config, log_level) },
    { "destination", .parse = value_obsolete },
    { "format", .parse = value_obsolete },
    { "config-file", .parse = value_obsolete },
};

static const ConfigKey verification_keys[] = {
    { "type", .parse = value_type, IN(Verification, type) },
    { "listener", .parse = value_listener, LIST(Verification, listeners),
      .types = HTTP01 | TLSALPN01 },
    { "passthrough", .parse = value_passthrough, IN(Verification, passthrough),
      .types = TLSALPN01 },
    { "passthrough-proxy-protocol", .parse = value_bool,
      IN(Verification, passthrough_proxy_protocol), .types = TLSALPN01 },
    { "proxy-protocol", .parse = value_ip, LIST(Verification, proxies), .types = HTTP01 },
    { "dns-server", .parse = value_dns_server, LIST(Verification, dns_servers),
      .types = DNSUPDATE },
    { "resolver", .parse = value_dns_server, LIST(Verification, resolvers), .types = DNSUPDATE },
    { "zone", .parse = value_zone, IN(Verification, zone), .types = DNSUPDATE },
    { "tsig-key", .parse = value_tsig_key, .types = DNSUPDATE },
    { "tsig-key-file", .parse = value_secret_path, IN(Verification, tsig_key_file),
      .types = DNSUPDATE },
    { "sign-queries", .parse = value_bool, IN(Verification, sign_queries), .types = DNSUPDATE },
    { "propagation-check", .parse = value_either, IN(Verification, skip_propagation_check),
      .types = DNSUPDATE, .words = { "authoritative", "none" } },
    { "propagation-timeout", .parse = value_unsigned, IN(Verification, propagation_timeout),
      .types = DNSUPDATE, .min = 1, .max = 86400, .unit = "seconds" },
    { "ttl", .parse = value_unsigned, IN(Verification, ttl), .types = DNSUPDATE, .min = 0,
      .max = INT32_MAX, .unit = "seconds" },
    { "timeout", .parse = value_unsigned, IN(Verification, timeout), .types = DNSUPDATE, .min = 1,
      .max = 3600, .unit = "seconds" },
    { "alias-zone", .parse = value_zone, LIST(Verification, alias_zones), .types = DNSUPDATE },
    { "label", .parse = value_either, IN(Verification, account_label), .types = DNSUPDATE,
      .words = { "none", "account" } },
};

static const ConfigKey storage_keys[] = {
    { "type", .parse = value_type, IN(Storage, type) },
    { "directory", .parse = value_path, IN(Storage, directory), .types = FILES },
    { "renew-within", .parse = value_unsigned, IN(Storage, renew_within), .types = FILES, .min = 0,
      .max = 3650, .unit = "days" },
    { "prefetch", .parse = value_bool, IN(Storage, prefetch), .types = FILES },
    { "prefetch-forget", .parse = value_unsigned, IN(Storage, prefetch_forget), .types = FILES,
      .min = 1, .max = 3650, .unit = "days" },
};

static const ConfigKey auth_keys[] = {
    { "ip", .parse = value_ip, LIST(AuthBlock, ips) },
    { "hmac_type", .parse = value_hmac_type, IN(AuthBlock, hmac_type) },
    { "hmac_key", .parse = value_hmac_key, IN(AuthBlock, hmac_key) },
    { "all", .parse = value_all, IN(AuthBlock, all) },
    { "domain", .parse = value_domain, LIST(AuthBlock, domains) },
    { "ip-san", .parse = value_ip, LIST(AuthBlock, ip_sans) },
    { "verification", .parse = config_parse_references, IN(AuthBlock, verifications),
      .count = offsetof(AuthBlock, n_verifications), NAMES(verification_names) },
    { "storage", .parse = config_parse_reference, IN(AuthBlock, storage), NAMES(storage_names) },
    { "account", .parse = config_parse_references, IN(AuthBlock, accounts),
      .count = offsetof(AuthBlock, n_accounts), NAMES(account_names) },
    { "profile", .parse = value_name, IN(AuthBlock, profile) },
    { "orders-per-day", .parse = value_unsigned, IN(AuthBlock, orders_per_day),
      .max = CONFIG_BUDGET_MAX },
    { "hmac-max-age", .parse = value_unsigned, IN(AuthBlock, hmac_max_age), .min = 1,
      .max = CONFIG_HMAC_AGE_MAX, .unit = "seconds" },
};

static const char *const verification_types[] = {
    [VERIFICATION_HTTP01] = "http01",
    [VERIFICATION_DNS01_DNSUPDATE] = "dns01-dnsUpdate",
    [VERIFICATION_TLSALPN01] = "tls-alpn01",
};

static const char *const storage_types[] = {
    [STORAGE_NONE] = "none",
    [STORAGE_FILE] = "file",
};

const Section config_sections[SECTION_MAX] = {
    [SECTION_ACCOUNT] = { "account", KEYS(account_keys), .unknown_key = LOG_ERR,
                          .list = offsetof(Config, accounts) },
    [SECTION_NAMED_ACCOUNT] = { "account", KEYS(account_keys), .unknown_key = LOG_ERR,
                                BLOCKS(AccountBlock, accounts), NAMES(account_names),
                                .finish = config_finish_account },
    [SECTION_STATE] = { "state", KEYS(state_keys), .unknown_key = LOG_WARNING },
    [SECTION_MGMT] = { "mgmt", KEYS(mgmt_keys), .unknown_key = LOG_WARNING },
    [SECTION_LOGGING] = { "logging", KEYS(logging_keys), .unknown_key = LOG_WARNING },
    [SECTION_SETUP] = { .word = "setup" },
    [SECTION_VERIFICATION] = { "verification", KEYS(verification_keys), .unknown_key = LOG_WARNING,
                               TYPES(verification_types), BLOCKS(Verification, verifications),
                               NAMES(verification_names), .finish = config_finish_verification },
    [SECTION_STORAGE] = { "storage", KEYS(storage_keys), .unknown_key = LOG_ERR,
                          TYPES(storage_types), BLOCKS(Storage, storages), NAMES(storage_names),
                          .finish = config_finish_storage },
    [SECTION_AUTH] = { "auth", KEYS(auth_keys), .unknown_key = LOG_ERR, BLOCKS(AuthBlock, auth),
                       NAMES(auth_names), .finish = config_finish_auth },
};
