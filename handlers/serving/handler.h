/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The main program of all handlers: options, sockets, one process per connection. */

#include "processes/fork-server.h"
#include "serving/http.h"

#define HANDLER_OPTIONS_MAX 3

/* An option with a value: "config", "FILE", its meaning, its default. */
typedef struct HandlerOption {
    const char *name, *value, *help, *otherwise;
} HandlerOption;

typedef struct HandlerProgram {
    const char *name;    /* "acmems-sign" */
    const char *summary; /* what it does, for --help */

    /* Its own options; the list ends before the first one without a name. */
    HandlerOption options[HANDLER_OPTIONS_MAX];

    /* Makes the userdata of the functions below from the values of the options. Logs its own errors
     * and returns -errno. NULL: the userdata is the first value. */
    int (*open)(const char *const values[], void **ret);
    void (*close)(void *userdata);

    /* As in ForkServer. */
    bool (*identify)(int fd, Source *source, void *userdata);
    bool (*has_arrived)(int fd, void *userdata);
    void (*prepare)(void *userdata);
    void (*serve)(int fd, void *userdata);
    TurnAway *crowded, *late;
    usec_t lifetime;
    Outbound outbound;
    /* Changes these two at start, if they depend on the options; or NULL. */
    void (*adapt)(ForkServer *server, const void *userdata);
} HandlerProgram;

/* HttpServer.begin of all handlers: until the next request, every journal entry carries the request
 * ID, the client's address and the fields that log_context_add() adds. */
void handler_log_begin(HttpExchange *exchange, void *userdata);

/* Calls confine_network(), and logs an error. Call it once the process needs no further connection.
 * Returns 0 or -errno: then the connection must not be served. */
int handler_confine_network(void);

/* Runs a handler from its main(). Returns the exit code. */
int handler_main(int argc, char *argv[], const HandlerProgram *program);
