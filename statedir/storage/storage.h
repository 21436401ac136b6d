/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The certificate cache, in the layout of the Python acme-mgmtserver:
 * <directory>/<h[0:2]>/<h[2:]>/csr.pem and cert.pem, h = lower-case hex SHA-384 of the request
 * body, byte for byte. */

#include "config/config.h"
#include "statedir/storage/request.h"
#include "x509/chain.h"

#define STORAGE_CSR_FILE  "csr.pem"
#define STORAGE_CERT_FILE "cert.pem"

/* Opens the directory of an entry. Returns a descriptor; -ENOENT: no such entry; other -errno. */
int storage_open_entry(const Storage *storage, const char *key);

/* Reads the request of an entry in a storage of type file. It is not parsed and has no auth block.
 * @ret: sign_request_done(). Returns 0; -ENOENT: it does not exist; -EBADMSG: csr.pem does not have
 * the hash that the entry is named after, or is larger than a request can be; other -errno. */
int storage_request(const Storage *storage, const char *key, SignRequest *ret);

/* Removes the certificate of an entry in a storage of type file, so that its next request starts an
 * order. Returns 0, also if it does not exist; -errno. */
int storage_drop(const Storage *storage, const char *key);

/* Creates the entry for a later chain and writes csr.pem, so that a storage that cannot be written
 * is detected before the order. Does nothing for storage "none". Returns 0 or -errno. */
int storage_prepare(const Storage *storage, const SignRequest *request);

/* Stores a chain atomically: csr.pem first, cert.pem last, because an entry is valid once cert.pem
 * exists. Removes the temporary files of a crash from the entry. An entry must have only one writer
 * at a time. Modes: 0750 and 0640. Does nothing for storage "none". Returns 0 or -errno. */
int storage_store(const Storage *storage, const SignRequest *request, const Chain *chain);
