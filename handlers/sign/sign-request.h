/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* POST /sign: from the peer's address to the certificate. */

#include "config/config.h"
#include "serving/http.h"

/* @userdata: the Config in force, which has to outlive the exchange; NULL where none is sound. */
void sign_serve(HttpExchange *exchange, void *userdata);

/* For requests that end before they get here (HttpServer.refused). */
void sign_refused(HttpExchange *exchange, int status, const char *reason, void *userdata);
