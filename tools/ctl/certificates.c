/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/certificates.h"

#include "statedir/kept-chain.h"
#include "statedir/storage/scan.h"
#include "strings/strv.h"

static int scan_storage(const Storage *storage, certificate_cb look, void *userdata)
{
    _cleanup_(storage_scan_freep) StorageScan *scan = NULL;
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
    int r = storage_scan_new(storage, &scan);

    while (r >= 0 && (r = storage_scan_next(scan, key, &renewal)) > 0) {
        _cleanup_(chain_freep) Chain *chain = NULL;
        const char *why;

        r = storage_load(storage, key, &chain, &why);
        if (r == STORAGE_HIT)
            r = look(storage, key, &chain, userdata);
    }
    return r;
}

/* Loads a chain from the state directory: STORAGE_HIT, STORAGE_MISS or -ENOMEM. acmems-orderd
 * reports the files that it cannot read. */
static int load_kept(const Config *config, const char *key, Chain **ret)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    int r = kept_chain_load(config->state_directory, key, ret, &record);

    if (r < 0)
        return r == -ENOMEM ? r : STORAGE_MISS;
    return STORAGE_HIT;
}

static int scan_kept(const Config *config, certificate_cb look, void *userdata)
{
    _cleanup_strv_ char **keys = NULL;
    int r = order_record_list(config->state_directory, &keys);

    STRV_FOREACH (key, keys) {
        _cleanup_(chain_freep) Chain *chain = NULL;

        r = load_kept(config, *key, &chain);
        if (r == STORAGE_HIT)
            r = look(NULL, *key, &chain, userdata);
        if (r < 0)
            break;
    }
    return r < 0 ? r : 0;
}

int certificates_foreach(const Config *config, certificate_cb look, void *userdata)
{
    for (size_t i = 0; i < config->n_storages; i++) {
        const Storage *storage = config->storages[i];
        int r = storage->type == STORAGE_FILE ? scan_storage(storage, look, userdata) : 0;

        if (r < 0)
            return r;
    }
    return scan_kept(config, look, userdata);
}

int certificates_load(const Config *config, const char *key, Chain **ret, const char **ret_why)
{
    for (size_t i = 0; i < config->n_storages; i++) {
        int r = storage_load(config->storages[i], key, ret, ret_why);

        if (r != STORAGE_MISS)
            return r;
    }
    return load_kept(config, key, ret);
}
