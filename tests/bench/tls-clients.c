/* SPDX-License-Identifier: GPL-3.0-or-later */

/* tls-clients PORT SECONDS NAME [PROTOCOL]: prints the handshakes per second of 8 clients on
 * 127.0.0.1. Each handshake uses a new connection, which the client reads to its end. */

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define CLIENTS 8U

typedef struct Target {
    struct sockaddr_in address;
    const char *name;
    unsigned char protocols[256]; /* in the format of ALPN */
    unsigned protocols_size;
} Target;

static int connect_to(const Target *target)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int shake_hands(SSL *ssl, const Target *target, int fd)
{
    char c;

    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_set_tlsext_host_name(ssl, target->name) != 1 ||
        SSL_set_alpn_protos(ssl, target->protocols, target->protocols_size) != 0 ||
        SSL_connect(ssl) != 1)
        return -1;
    return SSL_read(ssl, &c, 1) == 0 && SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN ? 0 : -1;
}

static int visit(SSL_CTX *context, const Target *target)
{
    int fd = connect_to(target), r;
    SSL *ssl = SSL_new(context);

    r = fd < 0 ? -1 : shake_hands(ssl, target, fd);
    SSL_free(ssl);
    (void)close(fd);
    return r;
}

/* Writes the number of its handshakes to @out; nothing when one failed. */
static int run_client(const Target *target, usec_t end, int out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    unsigned long n = 0;

    for (; context && now_monotonic() < end; n++)
        if (visit(context, target) < 0)
            return EXIT_FAILURE;
    return write(out, &n, sizeof(n)) == sizeof(n) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const Target *target, unsigned long seconds)
{
    usec_t start = now_monotonic();
    unsigned long n, sum = 0;
    int fds[2];

    if (pipe(fds) < 0)
        return EXIT_FAILURE;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (fork() == 0)
            _exit(run_client(target, start + seconds * USEC_PER_SEC, fds[1]));
    (void)close(fds[1]);
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (read(fds[0], &n, sizeof(n)) != sizeof(n)) {
            (void)fprintf(stderr, "A handshake failed.\n");
            return EXIT_FAILURE;
        }
        sum += n;
    }
    printf("%.1f\n", (double)sum * USEC_PER_SEC / (double)(now_monotonic() - start));
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    Target target = { .address.sin_family = AF_INET };

    if (argc < 4)
        return EXIT_FAILURE;
    target.address.sin_port = htons((in_port_t)strtoul(argv[1], NULL, 10));
    target.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target.name = argv[3];
    if (argc > 4)
        target.protocols_size = 1 + (unsigned)snprintf((char *)target.protocols + 1,
                                                       sizeof(target.protocols) - 1, "%s", argv[4]);
    target.protocols[0] = (unsigned char)(target.protocols_size - 1);
    return run(&target, strtoul(argv[2], NULL, 10));
}
