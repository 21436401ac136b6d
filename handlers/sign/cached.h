/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Answers from the cache. */

#include "sign/reply.h"

/* Answers with a certificate that is not due for renewal. True: the cache has none. */
bool sign_try_cache(Sign *sign);

/* When the CA delivers no new certificate, the client gets the previous one while that is valid.
 * The other arguments say why there is no new one: @status as for the client, @problem of the CA or
 * NULL. False: there is no valid one, or the failure is one of the request. */
bool sign_try_outdated(Sign *sign, int status, const char *why, const char *problem);
