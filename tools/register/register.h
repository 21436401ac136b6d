/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What acme-register finds step by step, and each next step needs. */

#include <jansson.h>
#include <openssl/evp.h>

#include "config/file.h"
#include "libacme/transport/session.h"
#include "register/options.h"

/* Exit codes: what is asked for is done; it is not, or something is still to do; wrong use. */
enum { EXIT_DONE = 0, EXIT_TO_DO = 1, EXIT_USAGE = 2 };

typedef struct Register {
    RegisterOptions options;
    sd_event *event;
    ConfigFile *config_file;
    const Config *config;
    const AccountBlock *account; /* of the config */
    Session *session;
    EVP_PKEY *key;
    json_t *registration; /* as on disk */
    json_t *directory;
    const char *terms; /* of the CA; NULL: it has none */
} Register;
