/* SPDX-License-Identifier: GPL-3.0-or-later */

/* tls-floor PEM: a minimal TLS server with a process for each connection. On the listening
 * socket that it gets as descriptor 3 it accepts and forks; the child does a handshake with the
 * certificate of PEM and exits. */

#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENING 3

static SSL_CTX *new_context(const char *pem)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context || SSL_CTX_use_certificate_chain_file(context, pem) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, pem, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_set_num_tickets(context, 0) != 1)
        return NULL;
    return context;
}

/* Sends no data after the handshake, and waits for the end of the client. */
static int serve(SSL_CTX *context, int fd)
{
    SSL *ssl = SSL_new(context);
    char c;

    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1)
        return EXIT_FAILURE;
    (void)SSL_shutdown(ssl);
    (void)shutdown(fd, SHUT_WR);
    return read(fd, &c, 1) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    SSL_CTX *context = argc == 2 ? new_context(argv[1]) : NULL;

    if (!context)
        return EXIT_FAILURE;
    (void)signal(SIGCHLD, SIG_IGN); /* no zombies */
    for (;;) {
        int fd = accept(LISTENING, NULL, NULL);

        if (fd >= 0 && fork() == 0)
            _exit(serve(context, fd));
        (void)close(fd);
    }
}
