/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What the steps of acme-register find out and pass on to the next step. */

#include <jansson.h>
#include <openssl/evp.h>

#include "libacme/transport/session.h"
#include "loading/file.h"
#include "register/options.h"

/* Exit codes: done; failed, or something is left for the user to do; usage error. */
enum { EXIT_DONE = 0, EXIT_TO_DO = 1, EXIT_USAGE = 2 };

typedef struct Register {
    RegisterOptions options;
    sd_event *event;
    ConfigFile *config_file;
    const Config *config;
    const AccountBlock *account; /* from the configuration */
    Session *session;
    EVP_PKEY *key;
    json_t *registration; /* as on disk, without an account at another CA */
    char *elsewhere;      /* URL of that account, or NULL */
    json_t *directory;
    const char *terms; /* URL of the terms of service; NULL: the CA has none */
} Register;
