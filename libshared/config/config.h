/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The configuration as the programs see it. Every value is checked when it is read, so a Config can
 * be used as it is. All blocks begin with the members of Block, for messages. */

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/macro.h"
#include "config/tsig-key.h"
#include "net/address.h"

#define CONFIG_FILE_DEFAULT       "/etc/acmems/acmems.ini"
#define CONFIG_KEY_DIRECTORY      "/etc/acmems/keys" /* of acmems-orderd alone */
#define STATE_DIRECTORY_DEFAULT   "/var/lib/acmems"
#define RUNTIME_DIRECTORY_DEFAULT "/run/acmems"
#define CONFIG_MAX_SIZE_DEFAULT   ((size_t)4096) /* default of max-size, bytes */
/* The limits of Let's Encrypt. */
#define CONFIG_ORDERS_PER_3H_DEFAULT                   300U
#define CONFIG_DUPLICATE_CERTIFICATES_PER_WEEK_DEFAULT 5U
#define CONFIG_HMAC_AGE_MAX                            86400U
#define CONFIG_BUDGET_MAX                              10000U
/* Percent of orders-per-3h. */
#define CONFIG_CLIENT_SHARE_DEFAULT    25U
#define CONFIG_AUTH_SHARE_DEFAULT      50U
#define CONFIG_RENEWAL_RESERVE_DEFAULT 25U
#define CONFIG_RENEWAL_RESERVE_MAX     90U
/* s */
#define CONFIG_ORDER_TIMEOUT_DEFAULT (4U * 3600)
#define CONFIG_ORDER_TIMEOUT_MAX     (7U * 24 * 3600)

/* A line of the configuration. */
typedef struct Place {
    const char *file; /* one of Config.files; NULL: none */
    unsigned line;
} Place;

/* The beginning of every block. */
typedef struct Block {
    const char *name;
    const char *file;
    unsigned line;
} Block;

typedef enum VerificationType {
    VERIFICATION_HTTP01,
    VERIFICATION_DNS01_DNSUPDATE,
    VERIFICATION_TLSALPN01,
} VerificationType;

typedef struct Verification {
    char *name;
    const char *file;
    unsigned line; /* 0: implied, in no file */
    VerificationType type;
    ListenAddress *listeners; /* http01, tls-alpn01 */
    size_t n_listeners;
    char *passthrough; /* tls-alpn01: ADDRESS:PORT or [ADDRESS]:PORT of the TLS server behind; NULL:
                          none */
    bool passthrough_proxy_protocol; /* tell that server the client's address */
    AddressPrefix *proxies; /* http01: front servers whose connections begin with a PROXY header */
    size_t n_proxies;
    char **dns_servers; /* dns01-dnsUpdate: see dns_server_parse() */
    size_t n_dns_servers;
    char **resolvers; /* the same; NULL: the system's */
    size_t n_resolvers;
    char *zone;         /* of all names; NULL: looked up in DNS */
    char **alias_zones; /* where aliases may end; NULL: anywhere */
    size_t n_alias_zones;
    TsigKey *tsig_key;            /* NULL: updates are not signed, or the key is in */
    char *tsig_key_file;          /* this file, which key_files_read() reads */
    unsigned tsig_key_file_line;  /* in @file */
    unsigned ttl;                 /* s */
    unsigned timeout;             /* s, of one query to one server */
    unsigned propagation_timeout; /* s */
    bool skip_propagation_check;
    bool sign_queries;  /* to the .dns_servers, with the key */
    bool account_label; /* dns-account-01 in place of dns-01 */
} Verification;

typedef enum StorageType { STORAGE_NONE, STORAGE_FILE } StorageType;

typedef struct Storage {
    char *name;
    const char *file;
    unsigned line; /* 0: implied, in no file */
    StorageType type;
    char *directory;          /* file */
    unsigned directory_line;  /* in @file */
    unsigned renew_within;    /* days */
    bool prefetch;            /* renew before a request comes, … */
    unsigned prefetch_forget; /* … while the last request is younger, days */
} Storage;

/* Binds a new ACME account to an existing account of the CA's customer (RFC 8555 §7.3.4). */
typedef struct ExternalAccount {
    char *kid;           /* NULL: none */
    char *hmac_key;      /* the secret, in any kind of base64; or it is in */
    char *hmac_key_file; /* this file */
} ExternalAccount;

/* An account at a CA, used to order certificates. */
typedef struct AccountBlock {
    char *name; /* "": [account] */
    const char *file;
    unsigned line;   /* 0: implied, in no file */
    char *server;    /* URL of the CA's directory */
    char *directory; /* of the files of the account */
    char *ca_file;   /* PEM bundle for the directory's TLS; else $ACME_CAFILE; else NULL */
    /* The lines that name the directory, the CA file and the file of the HMAC key; where none does,
     * the line of the block. */
    Place directory_place, ca_file_place, hmac_key_file_place;
    char *proxy;           /* URL of the proxy to the CA; "": none; NULL: as the environment says */
    char *profile;         /* NULL: the CA's default */
    char *preferred_chain; /* common name of the issuer of its last certificate; NULL: the CA's
                              default */
    bool refuses_extra_names;     /* certificates with names that were not ordered are not used */
    bool accept_terms_of_service; /* yes, true */
    char **accepted_terms_of_service; /* or the accepted URLs */
    size_t n_accepted_terms_of_service;
    char **contacts; /* "mailto:" URLs for a new account */
    size_t n_contacts;
    ExternalAccount external;
    unsigned orders_per_3h;                   /* 0: unlimited, as for similar members */
    unsigned duplicate_certificates_per_week; /* for exactly the same names */
    unsigned client_share;    /* % of .orders_per_3h for one client; 0 or 100: all of it */
    unsigned auth_share;      /* the same for one auth block */
    unsigned renewal_reserve; /* % of each of these that only renewals can use; 0: none */
    unsigned order_timeout;   /* s for the CA to verify, and again to issue; 0: until it expires */
} AccountBlock;

typedef struct AuthBlock {
    char *name;
    const char *file;
    unsigned line;
    AddressPrefix *ips;
    size_t n_ips;
    const Digest *hmac_type; /* NULL: no HMAC required */
    char *hmac_key;
    unsigned hmac_max_age; /* s between the time in the request and now; 0: it needs no time */
    bool all;
    char **domains; /* globs, lower case */
    size_t n_domains;
    AddressPrefix *ip_sans; /* addresses permitted in certificates; NULL: none */
    size_t n_ip_sans;
    const Verification **verifications; /* the first one that serves a name is used; at least one */
    size_t n_verifications;
    const Storage *storage;
    const AccountBlock **accounts; /* the first one that can serve is used; at least one */
    size_t n_accounts;
    char *profile;           /* at the CA of the first account; NULL: the account's */
    unsigned orders_per_day; /* per client; 0: unlimited */
} AuthBlock;

typedef struct Config {
    unsigned n_ref;

    char *path;   /* the main file */
    char **files; /* all files read, in reading order; blocks point to these strings */
    size_t n_files;

    /* [state] */
    char *state_directory;
    char *runtime_directory;

    /* [mgmt] */
    ListenAddress *listeners;
    size_t n_listeners;
    AddressPrefix *proxies; /* front servers whose connections begin with a PROXY header */
    size_t n_proxies;
    size_t max_size;                            /* limit of a request body, bytes */
    const Verification **default_verifications; /* already copied to the auth blocks */
    size_t n_default_verifications;
    const Storage *default_storage;
    char **server_names; /* hosts of requests, see host_parse(); NULL: any */
    size_t n_server_names;

    /* [logging] */
    int log_level; /* syslog level; default LOG_INFO */

    AccountBlock **accounts; /* the first is [account], even if no file has one */
    size_t n_accounts;
    Verification **verifications;
    size_t n_verifications;
    Storage **storages;
    size_t n_storages;
    AuthBlock **auth; /* in file order */
    size_t n_auth;

    /* tsearch(3) trees of the blocks, by name: config_find_auth(), … */
    void *account_names;
    void *verification_names;
    void *storage_names;
    void *auth_names;
} Config;

/* Called for each finding: level LOG_ERR (the configuration is refused) or LOG_WARNING; file and
 * line, line 0 for the whole file. */
typedef void (*config_message_cb)(int level, const char *file, unsigned line, const char *text,
                                  void *userdata);

typedef struct ConfigListener {
    config_message_cb message; /* NULL: findings are dropped */
    void *userdata;
} ConfigListener;

/* Passes on a finding that was made after the configuration was loaded. */
void config_tell(const ConfigListener *listener, int level, const char *file, unsigned line,
                 const char *format, ...) _printf_(5, 6);

#define CONFIG_FINDINGS_MAX 1000U

Config *config_ref(Config *config);
Config *config_unref(Config *config); /* always returns NULL */

/* Compares blocks by strcmp() of their names, for the trees of the Config. */
int config_compare_blocks(const void *a, const void *b);
void *config_find_block(void *const *tree, const char *name); /* NULL: none */

const AuthBlock *config_find_auth(const Config *config, const char *name);
const Verification *config_find_verification(const Config *config, const char *name);
const AccountBlock *config_find_account(const Config *config, const char *name);

/* Finds an account at the CA with this directory URL: the one named @name if it is there, else the
 * first. @name NULL: any. Returns NULL if there is none. */
const AccountBlock *config_account_at(const Config *config, const char *server, const char *name);

/* The account of an auth block that names none: [account], or the only account if there is no such
 * section; NULL: ambiguous. */
const AccountBlock *config_default_account(const Config *config);

/* Whether an auth block uses the account. */
bool config_uses_account(const Config *config, const AccountBlock *account);

/* Whether a certificate of this CA (URL of its directory) may be handed out: one of the block's
 * accounts is there. After a change of acme-server, those of the former CA are not. NULL: the CA is
 * unknown, as in entries of other programs, which may be handed out. */
bool auth_block_uses_ca(const AuthBlock *auth, const char *server);

/* Whether acmems-orderd may register the account: the configuration accepts terms of service. */
bool account_block_registers(const AccountBlock *account);

/* The profile for orders of this block at @account, one of the accounts of the block. NULL: the
 * CA's default. */
const char *auth_profile(const AuthBlock *auth, const AccountBlock *account);

DEFINE_CLEANUP_FUNC(Config *, config_unref)
