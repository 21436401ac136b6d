/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What all handlers are: options, the sockets handed over, a process for each connection. */

#include "serving/fork-server.h"
#include "serving/http.h"

#define HANDLER_OPTIONS_MAX 2

/* With a value: "config", "FILE", what it means, its default. */
typedef struct HandlerOption {
    const char *name, *value, *help, *otherwise;
} HandlerOption;

typedef struct HandlerProgram {
    const char *name;    /* "acmems-sign" */
    const char *summary; /* what it does, one line of --help */

    /* Those that are its own, up to one without a name. */
    HandlerOption options[HANDLER_OPTIONS_MAX];

    /* Makes what the others get as userdata, of the options' values; says itself what is wrong.
     * NULL: they get the first value. */
    int (*open)(const char *const values[], void **ret);
    void (*close)(void *userdata);

    /* As in ForkServer. */
    void (*prepare)(void *userdata);
    void (*serve)(int fd, void *userdata);
    usec_t lifetime;
    usec_t (*get_lifetime)(const void *userdata); /* where that depends; else NULL */
} HandlerProgram;

/* HttpServer.begin of all handlers: from here on whatever is logged carries the request's id and
 * the client's address, and what log_context_add() adds, until the next request. */
void handler_log_begin(HttpExchange *exchange, void *userdata);

/* For a connection that needs no other, or has it: see confine_network(). */
void handler_confine_network(void);

/* The main() of a handler: returns its exit code. */
int handler_main(int argc, char *argv[], const HandlerProgram *program);
