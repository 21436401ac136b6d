/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The account key: generate, load and replace it. All functions print what went wrong and return 0
 * or -errno. */

#include "register/register.h"

int register_generate_key(Register *reg);
int register_load_key(Register *reg);

/* Print that there is no account, and the command that registers one. Ends a step of progress.h.
 * Returns -ENOENT. */
int register_fail_without_account(const Register *reg);

/* Save the contacts of the command line for a registration that waits until the terms of service
 * are accepted. Prints nothing. */
int register_save_pending(Register *reg);

/* "mailto:" URLs of the command line, else of the configuration; borrowed. NULL: none. */
char *const *register_contacts(const Register *reg);

/* {"contact": […]} of these; NULL if out of memory. The caller owns it. */
json_t *register_pack_contact(const Register *reg);

/* Finish a key rollover that was interrupted. Needs the session. */
int register_resume_rollover(Register *reg);

/* Replace the key of the account (RFC 8555 §7.3.5). */
int register_rollover_key(Register *reg);
