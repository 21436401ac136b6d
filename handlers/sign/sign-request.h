/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Answers POST /sign: checks the request and returns the certificate. */

#include "config/config.h"
#include "policy/refusals.h"
#include "serving/http.h"

typedef struct SignContext {
    const Config *config; /* must outlive the exchange; NULL: no valid one exists */
    Refusals *refusals;
} SignContext;

/* @userdata: the SignContext */
void sign_serve(HttpExchange *exchange, void *userdata);

/* Logs a request that was refused before sign_serve() was called (HttpServer.refused). */
void sign_refused(HttpExchange *exchange, int status, const char *reason, void *userdata);
