/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "renewal-times.h"

void renewal_times(const Storage *storage, const Chain *chain, const StorageMeta *meta,
                   RenewalTimes *ret)
{
    time_t not_after = chain_not_after(chain);

    if (meta->window_start != 0 && meta->window_start < not_after) {
        ret->begin = meta->window_start;
        ret->end = meta->window_end < not_after ? meta->window_end : not_after;
    } else {
        ret->begin = chain_renewal(chain, storage->renew_within);
        ret->end = ret->begin + (not_after - ret->begin) / 2;
    }
    ret->due = ret->begin;
}
