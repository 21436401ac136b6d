/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-watch.h"

#include <sys/inotify.h>

#include "base/macro.h"
#include "statedir/order-record.h"

struct OrderWatch {
    sd_event_source *source;
    order_watch_cb callback;
    void *userdata;
};

static int on_removed(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
    const OrderWatch *watch = userdata;
    char key[STORAGE_KEY_SIZE];

    (void)source;
    if (event->len > 0 && order_record_is_named(event->name, key))
        watch->callback(key, watch->userdata);
    return 0;
}

DEFINE_CLEANUP_FUNC(OrderWatch *, order_watch_free)

int order_watch_new(sd_event *event, const char *state, order_watch_cb callback, void *userdata,
                    OrderWatch **ret)
{
    _cleanup_(order_watch_freep) OrderWatch *watch = calloc(1, sizeof(*watch));
    _cleanup_free_ char *path = NULL;
    int r = watch ? order_record_directory(state, &path) : -ENOMEM;

    if (r >= 0)
        r = sd_event_add_inotify(event, &watch->source, path, IN_DELETE | IN_MOVED_FROM, on_removed,
                                 watch);
    if (r < 0)
        return r;
    watch->callback = callback;
    watch->userdata = userdata;
    *ret = TAKE_PTR(watch);
    return 0;
}

OrderWatch *order_watch_free(OrderWatch *watch)
{
    if (!watch)
        return NULL;
    sd_event_source_disable_unref(watch->source);
    free(watch);
    return NULL;
}
