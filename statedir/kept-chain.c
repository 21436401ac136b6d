/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/kept-chain.h"

#define KEPT_FOR (24 * 3600) /* s */

int kept_chain_put(OrderRecord *record, const Chain *chain)
{
    char *text;
    size_t size;
    int r = chain_format(chain, &text, &size);

    if (r < 0)
        return r;
    free(record->chain);
    record->chain = text;
    record->stage = ORDER_STAGE_ISSUED;
    record->issued = time(NULL);
    return 0;
}

bool kept_chain_is_current(const OrderRecord *record)
{
    return record->stage == ORDER_STAGE_ISSUED && time(NULL) < record->issued + KEPT_FOR;
}

int kept_chain_load(const char *state, const char *key, Chain **ret, OrderRecord *ret_record)
{
    _cleanup_(order_record_done) OrderRecord record = { 0 };
    const char *why;
    int r = order_record_load(state, key, &record);

    if (r < 0)
        return r;
    if (record.stage != ORDER_STAGE_ISSUED)
        return -ENOENT;
    r = chain_parse(record.chain, strlen(record.chain), ret, &why);
    if (r < 0)
        return r;
    *ret_record = record;
    record = (OrderRecord){ 0 };
    return 0;
}
