/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Certificate profiles (draft-aaron-acme-profiles): compares those in the configuration with those
 * that the CA's directory offers. */

#include "accounts/accounts.h"
#include "libacme/failure.h"

/* Whether the CA's directory offers this profile. A NULL directory offers none. */
bool profile_is_offered(const json_t *directory, const char *profile);

/* Sets the failure of an order whose profile is not offered, with a list of those that are. */
void profile_set_failure(Failure *failure, const json_t *directory, const char *profile);

typedef struct ProfileCheck ProfileCheck;

/* Fetches the directories of the CAs in the configuration, and logs each profile of an auth block
 * that its CA does not offer. A directory that cannot be fetched is skipped. @ret ends the check;
 * free with profile_check_free(). 0 or -ENOMEM. */
int profile_check_new(Accounts *accounts, Config *config, ProfileCheck **ret);
ProfileCheck *profile_check_free(ProfileCheck *check); /* always returns NULL */
