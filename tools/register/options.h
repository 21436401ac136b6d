/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The command line of acme-register. */

#include "config/config.h"

typedef struct KeyType {
    const char *name;
    const char *group; /* NULL: RSA */
} KeyType;

typedef enum RegisterAction {
    ACTION_REFRESH,
    ACTION_REGISTER,
    ACTION_ROLLOVER_KEY,
    ACTION_UPDATE_CONTACT,
    ACTION_DEACTIVATE,
    ACTION_SHOW,
    ACTION_MAX,
} RegisterAction;

typedef struct RegisterOptions {
    RegisterAction action;
    bool gen_key;
    const KeyType *key_type; /* NULL: not given */
    unsigned key_size;       /* 0: not given */
    bool override_key;
    char **contact; /* "mailto:" URLs */
    bool accept;
    const char *terms;
    ExternalAccount external; /* from the command line, borrowed */
    const char *account;      /* NULL: the default */
    const char *config;
} RegisterOptions;

/* Returns 1 to continue, 0 after --help or --version, or -errno for a usage error that was printed.
 */
int register_options_parse(int argc, char *argv[], RegisterOptions *options);
void register_options_done(RegisterOptions *options);
