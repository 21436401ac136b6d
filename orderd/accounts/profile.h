/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Certificate profiles (draft-aaron-acme-profiles): what the configuration asks for, against what
 * the CA's directory offers. */

#include "accounts/accounts.h"
#include "libacme/failure.h"

/* Whether the directory names it. A NULL directory offers nothing. */
bool profile_is_offered(const json_t *directory, const char *profile);

/* Why an order for a profile that is not offered is not made, with the list of those that are. */
void profile_set_failure(Failure *failure, const json_t *directory, const char *profile);

typedef struct ProfileCheck ProfileCheck;

/* Asks the CAs of the configuration for their directories and logs each profile of an auth block
 * that its CA does not offer; a directory that cannot be had is passed over. 0 or -ENOMEM. */
int profile_check_new(Accounts *accounts, Config *config, ProfileCheck **ret);
ProfileCheck *profile_check_free(ProfileCheck *check); /* always returns NULL */
