/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Shows what the handlers' HTTP server reads: each connection that stdin describes is served, with
 * the paths of acmems-http01 and acmems-sign, and the answers say what the request was.
 *
 * stdin, for each connection: its number of bytes and the size of the pieces in which they arrive,
 * both uint32_t, and the bytes. stdout: the number of bytes of all answers, uint32_t, and the
 * answers.
 */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/io.h"
#include "base/macro.h"
#include "challenge-request.h"
#include "config/config.h"
#include "serving/http.h"

#define BODY_MAX CONFIG_MAX_SIZE_DEFAULT

typedef struct Client {
    int fd;        /* of the client */
    int server_fd; /* the other end */
    const char *data;
    uint32_t size, piece;
    atomic_bool served;
} Client;

static void show_request(HttpExchange *exchange, _unused_ void *userdata)
{
    char host[HOST_SIZE], headers[16384];
    const char *body = "";
    size_t size = 0;

    if (streq(http_method(exchange), "POST") && http_read_body(exchange, &body, &size) < 0)
        return;
    (void)snprintf(headers, sizeof(headers),
                   "Read-Method: %s\r\nRead-Path: %s\r\nRead-Host: %s\r\n", http_method(exchange),
                   http_path(exchange), http_host(exchange, host) < 0 ? "" : host);
    http_reply(
        exchange,
        &(HttpResponse){
            .status = 200, .type = "text/plain", .headers = headers, .body = body, .size = size });
}

/* Returns whether the server wants more. */
static bool wait_until_read(Client *client)
{
    int left = 1;

    while (!client->served && ioctl(client->server_fd, FIONREAD, &left) == 0 && left > 0)
        sched_yield();
    return !client->served;
}

static void *send_pieces(void *userdata)
{
    Client *client = userdata;

    for (uint32_t sent = 0, n; sent < client->size && wait_until_read(client); sent += n) {
        n = client->size - sent < client->piece ? client->size - sent : client->piece;
        if (send(client->fd, client->data + sent, n, MSG_NOSIGNAL) != (ssize_t)n)
            break;
    }
    (void)shutdown(client->fd, SHUT_WR);
    return NULL;
}

static void serve(Client *client)
{
    static const HttpRoute routes[] = {
        { .path = CHALLENGE_REQUEST_PREFIX,
          .is_prefix = true,
          .methods = "GET, HEAD",
          .serve = show_request },
        { .path = "/sign",
          .methods = "POST",
          .has_body = true,
          .max_body = BODY_MAX,
          .serve = show_request },
    };
    const HttpServer server = { .routes = routes,
                                .n_routes = ELEMENTSOF(routes),
                                .limits = HTTP_LIMITS_DEFAULT };
    pthread_t thread;

    if (pthread_create(&thread, NULL, send_pieces, client) != 0)
        abort();
    http_serve(client->server_fd, &server);
    client->served = true;
    if (pthread_join(thread, NULL) != 0)
        abort();
}

static void serve_connection(const char *data, uint32_t size, uint32_t piece)
{
    static char answers[1 << 17];
    Client client = { .data = data, .size = size, .piece = piece };
    int pair[2];
    ssize_t n;
    uint32_t length;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    client.fd = pair[0];
    client.server_fd = pair[1];
    serve(&client);
    n = recv(client.fd, answers, sizeof(answers), MSG_DONTWAIT);
    length = n > 0 ? (uint32_t)n : 0;
    if (fwrite(&length, sizeof(length), 1, stdout) != 1 ||
        fwrite(answers, 1, length, stdout) != length)
        abort();
    (void)safe_close(pair[0]);
    (void)safe_close(pair[1]);
}

int main(void)
{
    static char data[1 << 17];
    uint32_t sizes[2];
    sigset_t mask;

    /* As fork-server does. */
    if (sigemptyset(&mask) < 0 || sigaddset(&mask, SIGTERM) < 0 ||
        sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        return 1;
    while (fread(sizes, sizeof(sizes), 1, stdin) == 1) {
        if (sizes[0] > sizeof(data) || sizes[1] == 0 || fread(data, 1, sizes[0], stdin) != sizes[0])
            return 1;
        serve_connection(data, sizes[0], sizes[1]);
    }
    return 0;
}
