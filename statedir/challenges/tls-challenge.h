/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* tls-alpn-01 challenge files (RFC 8737 §3): <directory>/<SHA-256 of the server name> contains a
 * certificate and its key, in PEM. */

#include <openssl/x509.h>

#include "base/macro.h"
#include "statedir/challenges/challenge.h"

#define TLS_CHALLENGE_DIRECTORY_DEFAULT "/run/acmems/challenges/tls-alpn-01"
#define TLS_CHALLENGE_SIZE_MAX          ((size_t)16 * 1024)

typedef struct TlsChallenge {
    X509 *certificate;
    EVP_PKEY *key;
} TlsChallenge;

void tls_challenge_done(TlsChallenge *challenge);

/* Reads a challenge. @server_name: as the CA sends it, in lower case; @ret: tls_challenge_done().
 * Returns a ChallengeResult; -EBADMSG: the file is damaged; other -errno. */
int tls_challenge_read(int dir_fd, const char *server_name, TlsChallenge *ret);

/* Writes a challenge, and replaces an older one. Mode and group: see challenge_write(). Returns 0
 * or -errno. */
int tls_challenge_write(int dir_fd, const char *server_name, const TlsChallenge *challenge);

/* Removes a challenge. Returns 0, also if it does not exist; -errno. */
int tls_challenge_remove(int dir_fd, const char *server_name);
