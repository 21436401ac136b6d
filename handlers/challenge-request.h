/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* GET of a challenge file: the key authorization of a token (RFC 8555 §8.3). */

#include "serving/http.h"

#define CHALLENGE_REQUEST_PREFIX "/.well-known/acme-challenge/"

/* Replies with the file that the token names. @userdata: the path of the challenge directory. */
void challenge_request(HttpExchange *exchange, void *userdata);

/* HttpServer.refused: leaves an entry at DEBUG. */
void challenge_request_refused(HttpExchange *exchange, int status, const char *reason,
                               void *userdata);
