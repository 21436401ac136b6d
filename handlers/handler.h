/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What all handlers are: options, the sockets handed over, a process for each connection. */

#include "fork-server.h"
#include "http.h"

typedef struct HandlerProgram {
    const char *name;    /* "acmems-sign" */
    const char *summary; /* what it does, one line of --help */

    /* The one option that is its own, with a value: "config", "FILE", what it means, its default.
     */
    const char *option, *option_value, *option_help, *option_default;

    /* Makes what the others get as userdata, of the option's value; says itself what is wrong.
     * NULL: they get the value. */
    int (*open)(const char *value, void **ret);
    void (*close)(void *userdata);

    /* As in ForkServer. */
    void (*prepare)(void *userdata);
    void (*serve)(int fd, void *userdata);
    usec_t lifetime;
} HandlerProgram;

/* HttpServer.begin of all handlers: from here on whatever is logged carries the request's id and
 * the client's address, and what log_context_add() adds, until the next request. */
void handler_log_begin(HttpExchange *exchange, void *userdata);

/* The main() of a handler: returns its exit code. */
int handler_main(int argc, char *argv[], const HandlerProgram *program);
