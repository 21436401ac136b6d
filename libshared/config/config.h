/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The configuration as the programs see it. Everything is checked when it is read: what stands in a
 * Config can be used as it is. Blocks begin alike: name, and the place they are defined at, for
 * messages. */

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/digest.h"
#include "base/macro.h"
#include "config/tsig-key.h"

#define CONFIG_FILE_DEFAULT       "/etc/acmems/acmems.ini"
#define STATE_DIRECTORY_DEFAULT   "/var/lib/acmems"
#define RUNTIME_DIRECTORY_DEFAULT "/run/acmems"
#define CONFIG_MAX_SIZE_DEFAULT   ((size_t)4096) /* max-size, bytes */
/* The limits of Let's Encrypt. */
#define CONFIG_ORDERS_PER_3H_DEFAULT                   300U
#define CONFIG_DUPLICATE_CERTIFICATES_PER_WEEK_DEFAULT 5U
#define CONFIG_BUDGET_MAX                              10000U

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
    unsigned line; /* 0: implied, stands in no file */
    VerificationType type;
    ListenAddress *listeners; /* http01, tls-alpn01 */
    size_t n_listeners;
    char *passthrough;  /* tls-alpn01: ADDRESS:PORT or [ADDRESS]:PORT of the TLS server behind it;
                           NULL:  there is none */
    char **dns_servers; /* dns01-dnsUpdate: see dns_server_parse() */
    size_t n_dns_servers;
    char **resolvers; /* the same; NULL: the system's */
    size_t n_resolvers;
    char *zone;                   /* that all names are in; NULL: is looked up */
    TsigKey *tsig_key;            /* NULL: updates are not signed, or: */
    char *tsig_key_file;          /* the file that it stands in, for key_files_read(), … */
    unsigned tsig_key_file_line;  /* … and where in @file that is said */
    unsigned ttl;                 /* s */
    unsigned timeout;             /* s, of one question to one server */
    unsigned propagation_timeout; /* s */
    bool skip_propagation_check;
} Verification;

typedef enum StorageType { STORAGE_NONE, STORAGE_FILE } StorageType;

typedef struct Storage {
    char *name;
    const char *file;
    unsigned line; /* 0: implied, stands in no file */
    StorageType type;
    char *directory;          /* file */
    unsigned renew_within;    /* days */
    bool prefetch;            /* renewed ahead of requests, … */
    unsigned prefetch_forget; /* … while the last one is younger, days */
} Storage;

/* What binds a new account to one that the CA knows its customer by (RFC 8555 §7.3.4). */
typedef struct ExternalAccount {
    char *kid;           /* NULL: there is none */
    char *hmac_key;      /* the secret, in any kind of base64; or else: */
    char *hmac_key_file; /* the file that it stands in */
} ExternalAccount;

/* An account at a CA that certificates are ordered with. */
typedef struct AccountBlock {
    char *name; /* "": [account] */
    const char *file;
    unsigned line;         /* 0: implied, stands in no file */
    char *server;          /* URL of the CA's directory */
    char *directory;       /* of the account's files */
    char *ca_file;         /* PEM bundle for the directory's TLS; else $ACME_CAFILE; else NULL */
    char *profile;         /* NULL: the CA's default */
    char *preferred_chain; /* common name of its topmost issuer; NULL: the CA's default */
    bool accept_terms_of_service;     /* yes, true */
    char **accepted_terms_of_service; /* or the URLs that are accepted */
    size_t n_accepted_terms_of_service;
    ExternalAccount external;
    unsigned orders_per_3h;                   /* 0: any number, as for the others of their kind */
    unsigned duplicate_certificates_per_week; /* for exactly the same names */
} AccountBlock;

typedef struct AuthBlock {
    char *name;
    const char *file;
    unsigned line;
    AddressPrefix *ips;
    size_t n_ips;
    const Digest *hmac_type; /* NULL: no HMAC asked for */
    char *hmac_key;
    bool all;
    char **domains; /* globs, lower case */
    size_t n_domains;
    AddressPrefix *ip_sans; /* addresses that certificates may have; NULL: none */
    size_t n_ip_sans;
    const Verification **verifications; /* the first one that serves a name; one at the least */
    size_t n_verifications;
    const Storage *storage;
    const AccountBlock **accounts; /* the first that can serve is used; one at the least */
    size_t n_accounts;
    char *profile;           /* at the CA of the first account; NULL: the account's */
    unsigned orders_per_day; /* of one client; 0: any number */
} AuthBlock;

typedef struct Config {
    unsigned n_ref;

    char *path;   /* the main file */
    char **files; /* all that were read, in this order; the blocks point at these names */
    size_t n_files;

    /* [state] */
    char *state_directory;
    char *runtime_directory;

    /* [mgmt] */
    ListenAddress *listeners;
    size_t n_listeners;
    size_t max_size;                            /* bytes of a request body */
    const Verification **default_verifications; /* the auth blocks have them already */
    size_t n_default_verifications;
    const Storage *default_storage;

    /* [logging] */
    int log_level; /* syslog level; LOG_INFO when not given */

    AccountBlock **accounts; /* the first one is [account], whether it is in a file or not */
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

/* One call per finding: level LOG_ERR (refuses the config) or LOG_WARNING; file and line, or line
 * 0. */
typedef void (*config_message_cb)(int level, const char *file, unsigned line, const char *text,
                                  void *userdata);

typedef struct ConfigListener {
    config_message_cb message; /* NULL: nobody listens */
    void *userdata;
} ConfigListener;

/* Tells a finding that was made after the configuration was loaded. */
void config_tell(const ConfigListener *listener, int level, const char *file, unsigned line,
                 const char *format, ...) _printf_(5, 6);

#define CONFIG_FINDINGS_MAX 1000U

/**
 * config_load() - read and check a configuration
 * @path: main file; then the files of its .d directory ("x.ini": "x.d") that end in .ini, by name
 * @message: told every finding (the first CONFIG_FINDINGS_MAX), by file and line
 *
 * All mistakes are reported in one run. Returns 0; -EINVAL when anything was refused; -errno when
 * the main file cannot be read (reported too); -ENOMEM.
 */
int config_load(const char *path, config_message_cb message, void *userdata, Config **ret);

/**
 * config_load_sound() - what is sound of a configuration, even if it is refused
 *
 * The same findings as of config_load(); lines that were refused are left out. So a block may lack
 * what it has to have: a storage its directory, an auth block its methods. For sockets and
 * sandboxes, which have to come up as far as they can; nobody's request is judged by it.
 *
 * Nobody listens by default where a line or a file could not be read: it may have said where else.
 * Returns 0; -errno when the main file cannot be read; -ENOMEM.
 */
int config_load_sound(const char *path, config_message_cb message, void *userdata, Config **ret);

Config *config_ref(Config *config);
Config *config_unref(Config *config); /* always returns NULL */

/* By strcmp() of the names: for the trees of the Config. */
int config_compare_blocks(const void *a, const void *b);
void *config_find_block(void *const *tree, const char *name); /* NULL: none */

const AuthBlock *config_find_auth(const Config *config, const char *name);
const Verification *config_find_verification(const Config *config, const char *name);
const AccountBlock *config_find_account(const Config *config, const char *name);

/* An account at this CA, by the URL of its directory: the one named @name if that is there, NULL
 * for any. NULL: there is none. */
const AccountBlock *config_account_at(const Config *config, const char *server, const char *name);

/* The account of who names none: [account], or the only one where there is no such section; NULL:
 * any could be meant. */
const AccountBlock *config_default_account(const Config *config);

/* The profile that orders of the block have at the CA of @account, one of its own. NULL: the CA's
 * default. */
const char *auth_profile(const AuthBlock *auth, const AccountBlock *account);

DEFINE_CLEANUP_FUNC(Config *, config_unref)
