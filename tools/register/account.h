/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The account at the CA: made, shown, changed, given up. All: EXIT_DONE, EXIT_TO_DO, or -errno;
 * what is to do, or went wrong, was said. */

#include "register/register.h"

/* Opens the session; the others need it. */
int register_initialize(Register *reg);

int register_account(Register *reg);
int register_refresh(Register *reg);
int register_update_contact(Register *reg); /* RFC 8555 §7.3.2 */
int register_deactivate(Register *reg);     /* RFC 8555 §7.3.6 */

/* Whether the account is in use still, as far as is known here. */
int register_check_status(Register *reg);
