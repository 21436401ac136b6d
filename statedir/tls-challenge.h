/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* tls-alpn-01 challenge files (RFC 8737 §3): <directory>/<SHA-256 of the server name>, content: a
 * certificate and its key, in PEM. */

#include <openssl/x509.h>

#include "base/macro.h"
#include "statedir/challenge.h"

#define TLS_CHALLENGE_DIRECTORY_DEFAULT "/run/acmems/challenges/tls-alpn-01"
#define TLS_CHALLENGE_SIZE_MAX          ((size_t)16 * 1024)

typedef struct TlsChallenge {
    X509 *certificate;
    EVP_PKEY *key;
} TlsChallenge;

void tls_challenge_done(TlsChallenge *challenge);

/* @server_name: as the CA's client names it, folded. A ChallengeResult; -EBADMSG for a file that is
 * damaged; -errno. */
int tls_challenge_read(int dir_fd, const char *server_name, TlsChallenge *ret);

/* In place of an older one. 0 or -errno. Mode and group as of challenge_write(). */
int tls_challenge_write(int dir_fd, const char *server_name, const TlsChallenge *challenge);
int tls_challenge_remove(int dir_fd, const char *server_name); /* 0 also when it is not there */
