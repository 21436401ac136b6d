/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/ca-file.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/macro.h"

DEFINE_CLEANUP_FUNC(BIO *, BIO_free)

/* Opens a regular file; a FIFO would block. */
static int open_file(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    return TAKE_FD(fd);
}

/* OpenSSL refuses the whole file for one damaged block. */
static bool has_pem(BIO *bio)
{
    STACK_OF(X509_INFO) *list = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
    bool has_certificate = false;

    for (int i = 0; i < sk_X509_INFO_num(list); i++)
        has_certificate |= sk_X509_INFO_value(list, i)->x509 != NULL;
    sk_X509_INFO_pop_free(list, X509_INFO_free);
    return has_certificate;
}

static bool has_der(BIO *bio)
{
    X509 *certificate = BIO_seek(bio, 0) == 0 ? d2i_X509_bio(bio, NULL) : NULL;

    X509_free(certificate);
    return certificate;
}

int ca_file_check(const char *path, const char **ret_why)
{
    _cleanup_close_ int fd = open_file(path);
    _cleanup_(BIO_freep) BIO *bio = NULL;
    bool is_good, is_damaged;

    if (fd < 0)
        return fd;
    bio = BIO_new_fd(fd, BIO_NOCLOSE);
    if (!bio)
        return -ENOMEM;
    ERR_clear_error(); /* libcurl leaves its own there */
    is_good = has_pem(bio);
    is_damaged = !is_good && ERR_peek_last_error() != 0;
    if (!is_good)
        *ret_why = has_der(bio) ? "is in DER form: convert it with openssl x509 -inform DER"
                   : is_damaged ? "contains a damaged certificate"
                                : "contains no certificate in PEM form";
    ERR_clear_error();
    return is_good ? 0 : -EBADMSG;
}
