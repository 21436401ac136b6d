/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "strings/email.h"
#include "strings/strv.h"
#include "strings/text.h"
#include "x509/rsa-key.h"

static const KeyType key_types[] = {
    { "ec256", "P-256" },
    { "ec384", "P-384" },
    { "rsa", NULL },
};

static void options_print_help(void)
{
    printf("acme-register [OPTION…] CONFIG\n\n"
           "Create the key of the ACME account and register it with the CA.\n\n"
           "     --account=NAME                   Use [account \"NAME\"] of CONFIG\n"
           "Key:\n"
           "     --gen-key                        Generate a private key\n"
           "     --key-type=ec256|ec384|rsa       Type of the key (default ec256)\n"
           "     --private-key-size=BITS          Size of an RSA key\n"
           "     --override-existing-key          Replace the key if one exists\n"
           "Account:\n"
           "     --register                       Register the key with the CA\n"
           "     --email=ADDRESS                  Contact of the account; can be repeated\n"
           "     --accept-terms-of-service[=URL]  Agree to the CA's terms of service\n"
           "     --eab-kid=KID                    Key identifier of the external account\n"
           "                                      to bind the account to\n"
           "     --eab-hmac-key-file=FILE         File with the HMAC key for it\n"
           "Registered account:\n"
           "     --show                           Print it, with a CAA record for it\n"
           "     --rollover-key                   Replace the private key by a new one\n"
           "     --update-contact                 Replace the contacts by those of --email\n"
           "     --deactivate                     Deactivate it; this cannot be undone\n\n"
           "  -h --help                           Show this help\n"
           "  -V --version                        Show the version\n\n"
           "Without options, acme-register asks the CA for the status of the account.\n"
           "The exit code is 0 only if nothing is left to do.\n");
}

_printf_(1, 2) static int usage(const char *format, ...)
{
    va_list arguments;

    (void)fputs("acme-register: ", stderr);
    va_start(arguments, format);
    text_vprint(stderr, format, arguments);
    va_end(arguments);
    (void)fputs("\nTry 'acme-register --help'.\n", stderr);
    return -EINVAL;
}

static int parse_key_type(RegisterOptions *options, const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(key_types); i++)
        if (streq(key_types[i].name, name)) {
            options->key_type = &key_types[i];
            return 0;
        }
    return usage("'%s' is not a key type; use ec256, ec384 or rsa", name);
}

static int parse_key_size(RegisterOptions *options, const char *text)
{
    char *end;
    unsigned long bits;

    errno = 0;
    bits = strtoul(text, &end, 10);
    if (errno || *end || end == text || bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return usage("'%s' is not an RSA key size; use 2048 to 8192 bits", text);
    options->key_size = (unsigned)bits;
    return 0;
}

static int parse_email(RegisterOptions *options, const char *address)
{
    _cleanup_free_ char *url = NULL;
    int r = email_to_url(address, &url);

    if (r == -EINVAL)
        return usage("'%s' is not an e-mail address", address);
    return r < 0 ? r : strv_extend(&options->contact, url);
}

static int take_action(RegisterOptions *options, RegisterAction action)
{
    if (options->action != ACTION_REFRESH && options->action != action)
        return usage("--register, --show, --rollover-key, --update-contact and --deactivate cannot "
                     "be combined");
    options->action = action;
    return 0;
}

/* Checks that each option belongs to the action. Returns 1, or -errno after printing an error. */
static int check_combination(const RegisterOptions *options)
{
    bool registers = options->action == ACTION_REFRESH || options->action == ACTION_REGISTER;
    bool makes_key = options->gen_key || options->action == ACTION_ROLLOVER_KEY;

    if (options->gen_key && !registers)
        return usage("--gen-key creates another account: use it only with --register");
    if (!makes_key && (options->key_type || options->key_size))
        return usage("options for a key need --gen-key or --rollover-key");
    if (!options->gen_key && options->override_key)
        return usage("--override-existing-key needs --gen-key");
    if (options->key_size && options->key_type && options->key_type->group)
        return usage("a key of type %s has a fixed size", options->key_type->name);
    if (options->contact && options->action != ACTION_REGISTER &&
        options->action != ACTION_UPDATE_CONTACT)
        return usage("--email needs --register or --update-contact");
    if (!options->external.kid != !options->external.hmac_key_file)
        return usage("--eab-kid and --eab-hmac-key-file need each other");
    if (options->external.kid && !text_is_utf8(options->external.kid))
        return usage("--eab-kid is not UTF-8: enter the key identifier as the CA gave it");
    if (!registers && (options->accept || options->external.kid))
        return usage("--accept-terms-of-service and --eab-kid need --register");
    return 1;
}

static int check_arguments(RegisterOptions *options, int argc, char *argv[])
{
    /* The Python tool also accepts "--accept-terms-of-service URL" with a blank. */
    if (options->accept && !options->terms && argc - optind == 2 && strstr(argv[optind], "://"))
        options->terms = argv[optind++];
    if (argc - optind != 1)
        return usage("%s", argc == optind ? "no configuration file given"
                                          : "only one configuration file can be given");
    options->config = argv[optind];
    return check_combination(options);
}

int register_options_parse(int argc, char *argv[], RegisterOptions *options)
{
    enum {
        ARG_GEN_KEY = 0x100,
        ARG_KEY_TYPE,
        ARG_KEY_SIZE,
        ARG_OVERRIDE,
        ARG_EMAIL,
        ARG_ACCEPT,
        ARG_ACCOUNT,
        ARG_EAB_KID,
        ARG_EAB_HMAC_KEY_FILE,
        ARG_ACTION, /* + RegisterAction; the last */
    };
    static const struct option long_options[] = {
        { "gen-key", no_argument, NULL, ARG_GEN_KEY },
        { "key-type", required_argument, NULL, ARG_KEY_TYPE },
        { "private-key-size", required_argument, NULL, ARG_KEY_SIZE },
        { "override-existing-key", no_argument, NULL, ARG_OVERRIDE },
        { "register", no_argument, NULL, ARG_ACTION + ACTION_REGISTER },
        { "rollover-key", no_argument, NULL, ARG_ACTION + ACTION_ROLLOVER_KEY },
        { "update-contact", no_argument, NULL, ARG_ACTION + ACTION_UPDATE_CONTACT },
        { "deactivate", no_argument, NULL, ARG_ACTION + ACTION_DEACTIVATE },
        { "show", no_argument, NULL, ARG_ACTION + ACTION_SHOW },
        { "email", required_argument, NULL, ARG_EMAIL },
        { "accept-terms-of-service", optional_argument, NULL, ARG_ACCEPT },
        { "account", required_argument, NULL, ARG_ACCOUNT },
        { "eab-kid", required_argument, NULL, ARG_EAB_KID },
        { "eab-hmac-key-file", required_argument, NULL, ARG_EAB_HMAC_KEY_FILE },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { 0 },
    };
    int c, r = 0;

    while (r >= 0 && (c = getopt_long(argc, argv, "hV", long_options, NULL)) >= 0)
        switch (c) {
        case ARG_GEN_KEY:
            options->gen_key = true;
            break;
        case ARG_KEY_TYPE:
            r = parse_key_type(options, optarg);
            break;
        case ARG_KEY_SIZE:
            r = parse_key_size(options, optarg);
            break;
        case ARG_OVERRIDE:
            options->override_key = true;
            break;
        case ARG_EMAIL:
            r = parse_email(options, optarg);
            break;
        case ARG_ACCEPT:
            options->accept = true;
            options->terms = optarg;
            break;
        case ARG_ACCOUNT:
            options->account = optarg;
            break;
        case ARG_EAB_KID:
            options->external.kid = optarg;
            break;
        case ARG_EAB_HMAC_KEY_FILE:
            options->external.hmac_key_file = optarg;
            break;
        case 'h':
            options_print_help();
            return 0;
        case 'V':
            puts("acme-register " ACMEMS_VERSION);
            return 0;
        default:
            if (c < ARG_ACTION)
                return -EINVAL;
            r = take_action(options, (RegisterAction)(c - ARG_ACTION));
        }
    return r < 0 ? r : check_arguments(options, argc, argv);
}

void register_options_done(RegisterOptions *options)
{
    options->contact = strv_free(options->contact);
}
