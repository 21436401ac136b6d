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

/* The directory of an entry that is there: a descriptor, or -errno. */
int storage_open_entry(const Storage *storage, const char *key);

/* Reads the request of an entry of a storage of type file; it is not parsed yet, and has no auth
 * block. @ret: sign_request_done(). Returns 0; -ENOENT: there is none; -EBADMSG: csr.pem is not
 * what the entry is named after, or larger than a request can be; other -errno. */
int storage_request(const Storage *storage, const char *key, SignRequest *ret);

/* Removes the certificate of an entry of a storage of type file: its request is then ordered anew.
 * 0, also where there is none; -errno. */
int storage_drop(const Storage *storage, const char *key);

/* Makes the entry that a chain is to go into, csr.pem in it: what cannot be stored afterwards shows
 * now. Storage "none": does nothing. 0 or -errno. */
int storage_prepare(const Storage *storage, const SignRequest *request);

/* Stores a chain, atomically, csr.pem first, cert.pem last (its appearance makes the entry); what a
 * crash left in the entry is removed. Not for two writers of one entry at once. Storage "none":
 * does nothing. Modes 0750 and 0640. 0 or -errno. */
int storage_store(const Storage *storage, const SignRequest *request, const Chain *chain);
