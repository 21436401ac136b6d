/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Commands that a message tells the user to run. */

#include "register/register.h"

#define REGISTER_ANEW "--gen-key --override-existing-key --register --accept-terms-of-service"

/* Returns the command that does this for the account: "acme-register @options --account=NAME
 * CONFIG", with the external account of the command line. free(); NULL: out of memory. */
char *register_command(const Register *reg, const char *options);
