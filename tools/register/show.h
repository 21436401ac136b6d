/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "register/register.h"

/* Asks the CA for the account and prints it, with CAA records that permit only this account (RFC
 * 8657). Returns as the functions of account.h. */
int register_show(Register *reg);
