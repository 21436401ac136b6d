/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/renewal.h"

#define DAY ((time_t)24 * 3600)

typedef struct Window {
    time_t start, end;
} Window;

/* Without a window from the CA, the second half of renew-within is left for failures. */
static Window window_of(const Storage *storage, const Chain *chain, const StorageMeta *meta)
{
    time_t start, not_after = chain_not_after(chain);

    /* The window of the CA never extends beyond the expiry of the certificate. */
    if (meta->window_end > 0 && meta->window_start < not_after)
        return (Window){ meta->window_start,
                         meta->window_end < not_after ? meta->window_end : not_after };
    start = chain_renewal(chain, storage->renew_within);
    return (Window){ start, start + (not_after - start) / 2 };
}

/* RFC 9773 §4.2: a uniformly random time in the window. */
static time_t moment(const Window *window, const char *key)
{
    double fraction = (double)storage_key_dice(key) / ((double)UINT32_MAX + 1);

    return window->start + (time_t)((double)(window->end - window->start) * fraction);
}

Renewal renewal_of(const Storage *storage, const char *key, const Chain *chain,
                   const StorageMeta *meta)
{
    Window window = window_of(storage, chain, meta);
    Renewal renewal = {
        /* With prefetch, requests do not have to wait unless renewals fail until the window ends.
         */
        .due = storage->prefetch ? window.end : window.start,
        .ask_at = meta->ask_at,
        .not_after = chain_not_after(chain),
    };
    time_t at = moment(&window, key), forget_at = meta->asked + storage->prefetch_forget * DAY;

    if (storage->prefetch && at < forget_at) {
        renewal.at = at;
        renewal.forget_at = forget_at;
    }
    return renewal;
}
