/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The account's key: made, loaded, replaced. All: 0 or -errno; what went wrong was said. */

#include "register/register.h"

int register_generate_key(Register *reg);
int register_load_key(Register *reg);

/* Keeps the contacts of the command line for a registration that waits for the terms to be
 * accepted. Says nothing. */
int register_save_pending(Register *reg);

/* {"contact": […]} of what the command line has; NULL when out of memory. */
json_t *register_pack_contact(const Register *reg);

/* Sees a rollover through that was cut off. Needs the session. */
int register_resume_rollover(Register *reg);

/* Gives the account another key (RFC 8555 §7.3.5). */
int register_rollover_key(Register *reg);
