/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acme-register: makes the account key and registers it at the CA. */

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "account-dir.h"
#include "config-file.h"
#include "log.h"
#include "registration.h"
#include "strv.h"
#include "sync-call.h"

#define RSA_BITS_DEFAULT 3072U
#define RSA_BITS_MIN     2048U
#define RSA_BITS_MAX     8192U

/* Exit codes: what is asked for is done; it is not, or something is still to do; wrong use. */
enum { EXIT_DONE = 0, EXIT_TO_DO = 1, EXIT_USAGE = 2 };

typedef struct KeyType {
    const char *name;
    const char *group; /* NULL: RSA */
} KeyType;

static const KeyType key_types[] = {
    { "ec256", "P-256" },
    { "ec384", "P-384" },
    { "rsa", NULL },
};

static bool arg_gen_key = false;
static const KeyType *arg_key_type = NULL;
static unsigned arg_key_size = 0;
static bool arg_override = false;
static bool arg_register = false;
static char **arg_contact = NULL; /* "mailto:" URLs */
static bool arg_accept = false;
static const char *arg_terms = NULL;
static const char *arg_config = NULL;

static void help(void)
{
    printf("acme-register [OPTION…] CONFIG\n\n"
           "Make the key of the ACME account and register it at the CA.\n\n"
           "Key:\n"
           "     --gen-key                        Make a new private key\n"
           "     --key-type=ec256|ec384|rsa       … of this type (default ec256)\n"
           "     --private-key-size=BITS          … RSA of this size\n"
           "     --override-existing-key          … even if there is one already\n"
           "Account:\n"
           "     --register                       Register the key\n"
           "     --email=ADDRESS                  Contact of the account; may be repeated\n"
           "     --accept-terms-of-service[=URL]  Agree to the CA's terms of service\n\n"
           "  -h --help                           Show this help\n"
           "  -V --version                        Show the version\n\n"
           "Without options: shows whether the account is in order.\n"
           "The exit code is 0 only when nothing is left to do.\n");
}

_printf_(1, 2) static int usage(const char *format, ...)
{
    va_list arguments;

    (void)fputs("acme-register: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputs("\nTry 'acme-register --help'.\n", stderr);
    return -EINVAL;
}

static int parse_key_type(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(key_types); i++)
        if (streq(key_types[i].name, name)) {
            arg_key_type = &key_types[i];
            return 0;
        }
    return usage("'%s' is not a key type: it is ec256, ec384 or rsa", name);
}

static int parse_key_size(const char *text)
{
    char *end;
    unsigned long bits;

    errno = 0;
    bits = strtoul(text, &end, 10);
    if (errno || *end || end == text || bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return usage("'%s' is not an RSA key size: it is 2048 to 8192 bits", text);
    arg_key_size = (unsigned)bits;
    return 0;
}

static int parse_email(const char *address)
{
    _cleanup_free_ char *url = NULL;
    const char *at = strchr(address, '@');

    /* RFC 8555 §7.3: one address in each URL, no header fields. */
    if (!at || at == address || !at[1] || strpbrk(address, " \t,?&<>\""))
        return usage("'%s' is not an e-mail address", address);
    if (asprintf(&url, "mailto:%s", address) < 0) {
        url = NULL;
        return -ENOMEM;
    }
    return strv_extend(&arg_contact, url);
}

static int check_arguments(int argc, char *argv[])
{
    /* "--accept-terms-of-service URL", with a blank, is how the Python tool takes it too. */
    if (arg_accept && !arg_terms && argc - optind == 2 && strstr(argv[optind], "://"))
        arg_terms = argv[optind++];
    if (argc - optind != 1)
        return usage("%s", argc == optind ? "the configuration file is missing"
                                          : "takes one configuration file");
    arg_config = argv[optind];
    if (!arg_gen_key && (arg_key_type || arg_key_size || arg_override))
        return usage("options for a key go with --gen-key");
    if (arg_key_size && arg_key_type && arg_key_type->group)
        return usage("a key of type %s has no size to choose", arg_key_type->name);
    if (arg_contact && !arg_register)
        return usage("--email goes with --register");
    return 1;
}

/* 1: go on; 0: done; negative: wrong use, which was said. */
static int parse_argv(int argc, char *argv[])
{
    enum {
        ARG_GEN_KEY = 0x100,
        ARG_KEY_TYPE,
        ARG_KEY_SIZE,
        ARG_OVERRIDE,
        ARG_REGISTER,
        ARG_EMAIL,
        ARG_ACCEPT,
    };
    static const struct option options[] = {
        { "gen-key", no_argument, NULL, ARG_GEN_KEY },
        { "key-type", required_argument, NULL, ARG_KEY_TYPE },
        { "private-key-size", required_argument, NULL, ARG_KEY_SIZE },
        { "override-existing-key", no_argument, NULL, ARG_OVERRIDE },
        { "register", no_argument, NULL, ARG_REGISTER },
        { "email", required_argument, NULL, ARG_EMAIL },
        { "accept-terms-of-service", optional_argument, NULL, ARG_ACCEPT },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    int c, r = 0;

    while (r >= 0 && (c = getopt_long(argc, argv, "hV", options, NULL)) >= 0)
        switch (c) {
        case ARG_GEN_KEY:
            arg_gen_key = true;
            break;
        case ARG_KEY_TYPE:
            r = parse_key_type(optarg);
            break;
        case ARG_KEY_SIZE:
            r = parse_key_size(optarg);
            break;
        case ARG_OVERRIDE:
            arg_override = true;
            break;
        case ARG_REGISTER:
            arg_register = true;
            break;
        case ARG_EMAIL:
            r = parse_email(optarg);
            break;
        case ARG_ACCEPT:
            arg_accept = true;
            arg_terms = optarg;
            break;
        case 'h':
            help();
            return 0;
        case 'V':
            puts("acme-register " ACMEMS_VERSION);
            return 0;
        default:
            return -EINVAL;
        }
    return r < 0 ? r : check_arguments(argc, argv);
}

/* The tool's state: what each step finds and the next one needs. */
typedef struct Register {
    sd_event *event;
    ConfigFile *config_file;
    const Config *config;
    Session *session;
    EVP_PKEY *key;
    json_t *registration; /* as on disk */
    json_t *directory;
    const char *terms; /* of the CA; NULL: it has none */
} Register;

static void register_done(Register *reg)
{
    session_unref(reg->session);
    config_file_free(reg->config_file);
    EVP_PKEY_free(reg->key);
    json_decref(reg->registration);
    json_decref(reg->directory);
    sd_event_unref(reg->event);
}

/* "Register ... done": the first half now, the second when it is so. */
static void begin(const char *what)
{
    printf("%s ...", what);
    (void)fflush(stdout);
}

static void done(void)
{
    puts(" done");
}

static int failed(int r, const char *why)
{
    puts(" failed");
    (void)fflush(stdout);
    fprintf(stderr, "acme-register: %s\n", why);
    return r;
}

static int failed_errno(int r, const char *what, const char *directory)
{
    puts(" failed");
    (void)fflush(stdout);
    fprintf(stderr, "acme-register: %s in %s: %s\n", what, directory, strerror(-r));
    return r;
}

static int failed_call(int r, const SyncAnswer *answer)
{
    return failed(r < 0 ? r : -EPROTO, str_or(answer->failure.reason, r < 0 ? strerror(-r) : "?"));
}

/* {"contact": […]} of what the command line has; NULL when out of memory. */
static json_t *pack_contact(void)
{
    json_auto_t *list = json_array();

    STRV_FOREACH (url, arg_contact)
        if (json_array_append_new(list, json_string(*url)) < 0)
            return NULL;
    return json_pack("{sO}", "contact", list);
}

/* Keeps the contacts for a registration that waits for the terms to be accepted. */
static int save_pending(Register *reg)
{
    json_auto_t *account = pack_contact();
    json_t *registration = NULL;
    int r;

    if (!account)
        return -ENOMEM;
    r = registration_pack(reg->key, account, NULL, &registration);
    if (r < 0)
        return r;
    json_decref(reg->registration);
    reg->registration = registration;
    return account_registration_save(reg->config->account_dir, registration);
}

static int generate_key(Register *reg)
{
    const char *directory = reg->config->account_dir;
    EVP_PKEY *existing = NULL;
    int r;

    begin("Generate private key");
    if (account_key_is_credential())
        return failed(-EROFS, "the key is handed over as a credential: make a new one there");
    r = account_key_load(directory, &existing);
    EVP_PKEY_free(existing);
    if (r != -ENOENT && !arg_override)
        return failed_errno(-EEXIST, "the key is kept (--override-existing-key replaces it)",
                            directory);

    if (arg_key_size || (arg_key_type && !arg_key_type->group))
        r = account_key_generate_rsa(arg_key_size ? arg_key_size : RSA_BITS_DEFAULT, &reg->key);
    else
        r = account_key_generate_ec(arg_key_type ? arg_key_type->group : ACCOUNT_EC_DEFAULT,
                                    &reg->key);
    /* In this order: whatever happens in between, no new key stands beside an old key's account. */
    if (r >= 0)
        r = save_pending(reg);
    if (r >= 0)
        r = account_key_save(directory, reg->key, arg_override);
    if (r < 0)
        return failed_errno(r, "the key cannot be written", directory);
    done();
    return 0;
}

static int load_key(Register *reg)
{
    const char *directory = reg->config->account_dir;
    int r;

    begin("Load private key");
    r = account_key_load(directory, &reg->key);
    if (r == -ENOENT)
        return failed_errno(r, "there is no account.pem (--gen-key makes it)", directory);
    if (r < 0)
        return failed_errno(r, "account.pem cannot be used", directory);
    r = account_registration_load(directory, &reg->registration);
    if (r < 0 && r != -ENOENT)
        return failed_errno(r, "registration.json cannot be used", directory);
    done();
    return 0;
}

static int initialize(Register *reg)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { 0 };
    SessionCall *call;
    int r;

    begin("Initialize ACME client");
    r = session_new(reg->event, reg->config->acme_server, reg->config->ca_file, &reg->session);
    if (r >= 0) {
        session_set_key(reg->session, reg->key);
        r = session_directory(reg->session, sync_callback, &answer, &call);
    }
    if (r >= 0)
        r = sync_wait(reg->event, &answer);
    if (r < 0 || answer.failure.status)
        return failed_call(r, &answer);
    reg->directory = json_incref(answer.json);
    reg->terms = directory_terms(reg->directory);
    done();
    return 0;
}

static bool terms_accepted(const Register *reg)
{
    const Config *config = reg->config;

    return !reg->terms || arg_accept || config->accept_terms_of_service ||
           strv_contains(config->accepted_terms_of_service, reg->terms);
}

static int say_terms(const Register *reg)
{
    printf("You need to accept the terms of service at %s\n", reg->terms);
    return EXIT_TO_DO;
}

static int check_terms(const Register *reg)
{
    if (arg_terms && (!reg->terms || !streq(arg_terms, reg->terms))) {
        fprintf(stderr, "acme-register: the CA's terms of service are at %s, not at %s\n",
                str_or(reg->terms, "no URL at all"), arg_terms);
        return -EINVAL;
    }
    return 0;
}

/* An account that the CA answered with: kept, and judged. */
static int keep_account(Register *reg, const SyncAnswer *answer, const char *uri)
{
    const char *status = json_string_value(json_object_get(answer->json, "status"));
    json_t *registration = NULL;
    int r;

    if (!uri || !status)
        return failed(-EBADMSG, "the CA's answer is not an account");
    if (!streq(status, "valid")) {
        puts(" done");
        fprintf(stderr,
                "acme-register: the account is %s: --gen-key --override-existing-key --register "
                "makes another one\n",
                status);
        return -EKEYREVOKED;
    }
    r = registration_pack(reg->key, answer->json, uri, &registration);
    if (r < 0)
        return failed(r, strerror(-r));
    json_decref(reg->registration);
    reg->registration = registration;
    r = account_registration_save(reg->config->account_dir, registration);
    if (r < 0)
        return failed_errno(r, "registration.json cannot be written", reg->config->account_dir);
    done();
    return 0;
}

/* newAccount with the terms agreed to. */
static int new_account(Register *reg)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { 0 };
    SessionCall *call;
    int r;

    r = registration_request(reg->session, registration_contact(reg->registration), false,
                             sync_callback, &answer, &call);
    if (r >= 0)
        r = sync_wait(reg->event, &answer);
    if (r < 0 || answer.failure.status)
        return failed_call(r, &answer);
    return keep_account(reg, &answer, answer.location);
}

/* POST to the account (RFC 8555 §7.3.2), or POST-as-GET without a payload. */
static int ask_account(Register *reg, const json_t *payload)
{
    _cleanup_(sync_answer_done) SyncAnswer answer = { 0 };
    _cleanup_free_ char *uri = strdup(registration_uri(reg->registration));
    SessionCall *call;
    int r;

    if (!uri)
        return failed(-ENOMEM, "out of memory");
    r = session_set_account(reg->session, uri);
    if (r >= 0)
        r = session_post(reg->session, &(SessionRequest){ .url = uri, .payload = payload },
                         sync_callback, &answer, &call);
    if (r >= 0)
        r = sync_wait(reg->event, &answer);
    if (r < 0 || answer.failure.status)
        return failed_call(r, &answer);
    return keep_account(reg, &answer, uri);
}

/* newAccount gives an account that is there already as it is (RFC 8555 §7.3.1), whatever contact it
 * is asked with. */
static int update_contact(Register *reg)
{
    json_auto_t *contact = pack_contact();

    begin("Update contact");
    return contact ? ask_account(reg, contact) : failed(-ENOMEM, "out of memory");
}

static int register_account(Register *reg)
{
    bool registered = registration_uri(reg->registration) != NULL;
    int r;

    r = check_terms(reg);
    if (r < 0)
        return r;
    begin("Register");
    /* newAccount has to agree to the terms (RFC 8555 §7.3): until somebody does, all is kept for
     * it. */
    if (!registered && (arg_contact || !reg->registration)) {
        r = save_pending(reg);
        if (r < 0)
            return failed_errno(r, "registration.json cannot be written", reg->config->account_dir);
    }
    if (!registered && !terms_accepted(reg)) {
        done();
        return say_terms(reg);
    }
    /* An account that is there has agreed when it was made; newAccount finds it, or makes it anew
     * where the CA has lost it, but agrees again. */
    r = terms_accepted(reg) ? new_account(reg) : ask_account(reg, NULL);
    return r >= 0 && registered && arg_contact ? update_contact(reg) : r;
}

static int accept_terms(Register *reg)
{
    int r;

    r = check_terms(reg);
    if (r < 0)
        return r;
    if (reg->terms) {
        printf("Accepting ToS at %s ...", reg->terms);
        (void)fflush(stdout);
    } else
        begin("Register");
    return new_account(reg);
}

/* A key whose registration waits for the terms to be accepted. */
static int refresh_pending(Register *reg)
{
    if (!reg->registration)
        return failed(-ENOENT, "the key is not registered yet: --register does it");
    done();
    if (reg->terms)
        (void)say_terms(reg);
    return terms_accepted(reg) ? accept_terms(reg) : EXIT_TO_DO;
}

static int refresh(Register *reg)
{
    int r;

    begin("Refreshing current registration");
    if (!registration_uri(reg->registration))
        return refresh_pending(reg);
    r = ask_account(reg, NULL);
    return r < 0 ? r : check_terms(reg);
}

static int run(Register *reg)
{
    int r;

    r = config_file_open(arg_config, &reg->config_file);
    if (r < 0)
        return r;
    reg->config = config_file_get(reg->config_file);
    r = sd_event_default(&reg->event);
    if (r < 0)
        return log_error_errno(r, "Event loop cannot be made: %m");

    r = arg_gen_key ? generate_key(reg) : load_key(reg);
    if (r >= 0)
        r = initialize(reg);
    if (r < 0)
        return r;
    return arg_register ? register_account(reg) : refresh(reg);
}

int main(int argc, char *argv[])
{
    _cleanup_(register_done) Register reg = { 0 };
    int r;

    log_open("acme-register");
    r = parse_argv(argc, argv);
    if (r > 0)
        r = run(&reg) == EXIT_DONE ? EXIT_DONE : EXIT_TO_DO;
    else
        r = r < 0 ? EXIT_USAGE : EXIT_DONE;
    arg_contact = strv_free(arg_contact);
    return r;
}
