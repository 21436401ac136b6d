/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The file of a TXT record in DNS: <state directory>/dns/<key>.json. It is written before the
 * record is added to DNS, so that a later process can remove the record. */

#include <time.h>

#include "base/macro.h"
#include "statedir/files/key.h"

typedef struct DnsRecord {
    char *verification; /* name of the block with the servers */
    char *name;         /* identifier of the authorization */
    char *zone;
    char *owner;
    char *value;
    char *servers;  /* addresses that have it, separated by a space; NULL: none */
    char *unsure;   /* addresses that may have it; NULL: none */
    time_t created; /* seconds since 1970 */
} DnsRecord;

void dns_record_done(DnsRecord *record);

/* In all functions, @state is the state directory. The first record creates dns/ in it. */

/* Computes the key of the file from block, zone, owner and value. Returns 0 or -ENOMEM. */
int dns_record_key(const DnsRecord *record, char key[STORAGE_KEY_SIZE]);

/* Writes the file, and replaces an older one. Returns 0 or -errno. */
int dns_record_save(const char *state, const DnsRecord *record);

/* Reads a file. @ret: dns_record_done(). Returns 0; -ENOENT: it does not exist; -EBADMSG: it is
 * damaged; -EPROTONOSUPPORT: it has a newer version; other -errno. */
int dns_record_load(const char *state, const char *key, DnsRecord *ret);

/* Removes a file. Returns 0, also if it does not exist; -errno. */
int dns_record_remove(const char *state, const char *key);

/* Removes the temporary files of a crash, and lists the keys of all files. @ret: strv_free().
 * Returns 0 or -errno. */
int dns_record_list(const char *state, char ***ret);
