/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Whether the CA finds a process at the listeners of a verification. */

#include "config/config.h"

/* Returns "no process of the server listens at ADDRESS: run systemctl … UNIT there", as a clause;
 * free(). NULL: a process listens at one of the addresses, that is unknown, the verification has no
 * listener because another program answers, or out of memory. */
char *closed_listeners_describe(const Verification *verification, const char *unit);
