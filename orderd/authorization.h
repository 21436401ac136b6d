/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* One authorization of an order: its http-01 challenge answered, its end awaited (RFC 8555 §7.5,
 * §8.3). */

#include "account.h"
#include "failure.h"
#include "log-fields.h"

typedef struct Authorization Authorization;

/* Called once, when the authorization is valid (@failure NULL) or will not be. */
typedef void (*authorization_cb)(Authorization *authorization, const Failure *failure,
                                 void *userdata);

/**
 * authorization_start() - fetch it and see it through
 * @url: of the authorization, as the order gave it
 * @log: what its entries carry, borrowed for its life
 * @challenge_fd: directory of the http-01 challenge files, borrowed for its life; negative: the CA
 * has ended the order, and it is only asked whether this is why (421)
 *
 * A valid one is done at once. The challenge file is written before the CA is told, and removed
 * when the authorization ends in any way, authorization_free() among them. Has no deadline of its
 * own: its order has.
 */
int authorization_start(sd_event *event, Account *account, LogFields *log, int challenge_fd,
                        const char *url, authorization_cb callback, void *userdata,
                        Authorization **ret);
Authorization *authorization_free(Authorization *authorization); /* always returns NULL */

/* The name as the CA wrote it, "*." not among it; "?" before it said. */
const char *authorization_name(const Authorization *authorization);
