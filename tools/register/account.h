/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The account at the CA: create, show, change and deactivate it. All functions print what went
 * wrong or what the user must do next, and return EXIT_DONE, EXIT_TO_DO or -errno. */

#include "register/register.h"

/* Open the session that the other functions need: fetch the directory of the CA. */
int register_initialize(Register *reg);

int register_account(Register *reg);
int register_refresh(Register *reg);
int register_update_contact(Register *reg); /* RFC 8555 §7.3.2 */
int register_deactivate(Register *reg);     /* RFC 8555 §7.3.6 */

/* Check that the account on disk is valid, as far as registration.json knows. */
int register_check_status(Register *reg);
