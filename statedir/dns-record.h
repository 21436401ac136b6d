/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is on disk of a TXT record that was put into DNS: <state directory>/dns/<key>.json, written
 * before it is, so that it is removed even if nobody who knew of it is left. */

#include <time.h>

#include "base/macro.h"
#include "statedir/files/key.h"

typedef struct DnsRecord {
    char *verification; /* name of the block with the servers */
    char *name;         /* whose authorization it is for */
    char *zone;
    char *owner;
    char *value;
    char *servers;  /* that have it, a space between them; NULL: none */
    char *unsure;   /* that may have it; NULL: none */
    time_t created; /* seconds since 1970 */
} DnsRecord;

void dns_record_done(DnsRecord *record);

/* All four: @state is the state directory; dns/ in it is made by the first record. */

/* What it is kept under: the same for the same value at the same place. 0 or -ENOMEM. */
int dns_record_key(const DnsRecord *record, char key[STORAGE_KEY_SIZE]);

/* Writes it, in place of an older one. 0 or -errno. */
int dns_record_save(const char *state, const DnsRecord *record);

/* -ENOENT: there is none; -EBADMSG: it is no such record; -EPROTONOSUPPORT: of a newer version;
 * other -errno. */
int dns_record_load(const char *state, const char *key, DnsRecord *ret);

/* 0, also where there is none; -errno. */
int dns_record_remove(const char *state, const char *key);

/* The keys of all, and what a crash left half is removed. 0 or -errno. *ret: strv_free(). */
int dns_record_list(const char *state, char ***ret);
