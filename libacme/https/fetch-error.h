/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Why a request got no answer that can be used: an errno, and the words. */

#include "libacme/https/fetch-attempt.h"

/* Returns an error of FetchResult. @ret: a new string in place of .text; NULL: that one serves, or
 * out of memory. */
int fetch_error(const FetchAttempt *attempt, char **ret);
