/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/dns-record.h"

#include <stdio.h>

#include "statedir/files/json-strings.h"
#include "statedir/files/json-time.h"
#include "statedir/files/state-json.h"

#define VERSION       1
#define DIRECTORY     "dns"
#define FILE_SIZE_MAX ((size_t)16 * 1024)

static const JsonString strings[] = {
    { "verification", offsetof(DnsRecord, verification), false },
    { "name", offsetof(DnsRecord, name), false },
    { "zone", offsetof(DnsRecord, zone), false },
    { "owner", offsetof(DnsRecord, owner), false },
    { "value", offsetof(DnsRecord, value), false },
    { "servers", offsetof(DnsRecord, servers), true },
    { "unsure", offsetof(DnsRecord, unsure), true },
};

void dns_record_done(DnsRecord *record)
{
    json_strings_free(strings, ELEMENTSOF(strings), record);
    *record = (DnsRecord){ 0 };
}

int dns_record_key(const DnsRecord *record, char key[STORAGE_KEY_SIZE])
{
    _cleanup_free_ char *text = NULL;
    int n = asprintf(&text, "%s\n%s\n%s\n%s", record->verification, record->zone, record->owner,
                     record->value);

    if (n < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return storage_key(text, (size_t)n, key);
}

int dns_record_save(const char *state, const DnsRecord *record)
{
    json_auto_t *object =
        json_pack("{si sI}", "version", VERSION, "created", (json_int_t)record->created);
    char key[STORAGE_KEY_SIZE];
    int r = object ? json_strings_pack(strings, ELEMENTSOF(strings), record, object) : -ENOMEM;

    if (r >= 0)
        r = dns_record_key(record, key);
    return r < 0 ? r : state_json_save(state, DIRECTORY, key, object);
}

static int dns_record_unpack(const json_t *object, DnsRecord *record)
{
    json_int_t version = json_integer_value(json_object_get(object, "version"));

    if (version != VERSION)
        return version > VERSION ? -EPROTONOSUPPORT : -EBADMSG;
    record->created = json_time(json_object_get(object, "created"));
    return json_strings_unpack(strings, ELEMENTSOF(strings), object, record);
}

int dns_record_load(const char *state, const char *key, DnsRecord *ret)
{
    _cleanup_(dns_record_done) DnsRecord record = { 0 };
    json_auto_t *object = NULL;
    int r = state_json_load(state, DIRECTORY, key, FILE_SIZE_MAX, &object);

    if (r >= 0)
        r = dns_record_unpack(object, &record);
    if (r < 0)
        return r;
    *ret = record;
    record = (DnsRecord){ 0 };
    return 0;
}

int dns_record_remove(const char *state, const char *key)
{
    return state_json_remove(state, DIRECTORY, key);
}

int dns_record_list(const char *state, char ***ret)
{
    int r = state_json_clean(state, DIRECTORY);

    return r < 0 ? r : state_json_list(state, DIRECTORY, ret);
}
