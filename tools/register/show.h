/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "register/register.h"

/* Asks the CA for the account and prints it, as far as it is known, with CAA records that permit
 * only this account (RFC 8657). Returns as the functions of account.h. */
int register_show(Register *reg);

/* Prints what is known of the account, if there is one. @is_confirmed: the CA has just told it. */
void register_print(const Register *reg, bool is_confirmed);
