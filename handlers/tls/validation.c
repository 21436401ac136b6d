/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/validation.h"

#include <fcntl.h>
#include <openssl/err.h>

#include "base/io.h"

static const unsigned char acme[] = "\x0a"
                                    "acme-tls/1";

DEFINE_CLEANUP_FUNC(SSL *, SSL_free)
DEFINE_CLEANUP_FUNC(SSL_CTX *, SSL_CTX_free)
DEFINE_CLEANUP_FUNC(BIO *, BIO_free_all)

static int select_protocol(_unused_ SSL *ssl, const unsigned char **ret, unsigned char *ret_size,
                           const unsigned char *offered, unsigned int size, _unused_ void *userdata)
{
    unsigned char *selected;

    if (SSL_select_next_proto(&selected, ret_size, acme,
                              STRLEN("\x0a"
                                     "acme-tls/1"),
                              offered, size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* One handshake per connection: no resumption, no renegotiation. */
SSL_CTX *validation_context_new(void)
{
    _cleanup_(SSL_CTX_freep) SSL_CTX *context = NULL;

    /* The sandbox does not show the machine's openssl.cnf. Ignoring it gives the
     * same behaviour everywhere.
     */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return NULL;
    context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_num_tickets(context, 0) != 1)
        return NULL;
    (void)SSL_CTX_set_options(context,
                              SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    return TAKE_PTR(context);
}

/* Reads the bytes that were already received first, then the socket. */
static BIO *new_reader(int fd, const void *received, size_t size)
{
    _cleanup_(BIO_free_allp) BIO *buffer = BIO_new(BIO_f_buffer());
    BIO *sock = BIO_new_socket(fd, BIO_NOCLOSE);

    if (!buffer || !sock ||
        BIO_set_buffer_read_data(buffer, (void *)(uintptr_t)received, (long)size) != 1) {
        BIO_free(sock);
        return NULL;
    }
    (void)BIO_push(buffer, sock);
    return TAKE_PTR(buffer);
}

static SSL *new_connection(const Validation *v, SSL_CTX *context)
{
    _cleanup_(SSL_freep) SSL *ssl = SSL_new(context);
    BIO *reader, *writer;

    if (!ssl || SSL_use_certificate(ssl, v->challenge->certificate) != 1 ||
        SSL_use_PrivateKey(ssl, v->challenge->key) != 1)
        return NULL;
    reader = new_reader(v->fd, v->received, v->size);
    writer = BIO_new_socket(v->fd, BIO_NOCLOSE);
    if (!reader || !writer) {
        BIO_free_all(reader);
        BIO_free(writer);
        return NULL;
    }
    SSL_set_bio(ssl, reader, writer);
    return TAKE_PTR(ssl);
}

static int shake_hands(SSL *ssl, const Validation *v)
{
    for (;;) {
        int done = SSL_accept(ssl), r, error;

        if (done == 1)
            return 0;
        error = SSL_get_error(ssl, done);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return -EPROTO;
        r = stop_wait(v->stop, v->fd, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, v->deadline);
        if (r < 0)
            return r;
    }
}

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int validation_serve(const Validation *v, SSL_CTX *context, const char **ret_why)
{
    _cleanup_(SSL_freep) SSL *ssl = NULL;
    int r = set_nonblocking(v->fd);

    *ret_why = NULL;
    if (r < 0)
        return r;
    ssl = new_connection(v, context);
    r = ssl ? shake_hands(ssl, v) : -EIO;
    if (r < 0)
        *ret_why = ERR_reason_error_string(ERR_peek_error());
    else
        (void)SSL_shutdown(ssl);
    /* If the client's last bytes stayed unread, the kernel would reset the connection, and the
     * reset could overtake the last bytes sent to the client. */
    if (r != -ETIMEDOUT)
        socket_linger(v->fd);
    return r;
}
