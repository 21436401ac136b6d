/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loading/passthrough.h"

#include <syslog.h>

/* Whether a connection to @target would arrive at @listener. */
static bool is_loop(const ListenAddress *listener, const ListenAddress *target)
{
    return listener->port == target->port && listener->kind == target->kind &&
           (memcmp(listener->bytes, target->bytes, sizeof(target->bytes)) == 0 ||
            (listen_address_is_any(listener) && listen_address_is_loopback(target)));
}

/* Also for config_load_sound(), which returns a refused configuration. */
static void drop_passthrough(Verification *block)
{
    free(block->passthrough);
    block->passthrough = NULL;
}

static bool has_loop(const Config *config, const ListenAddress *target)
{
    for (size_t i = 0; i < config->n_verifications; i++) {
        const Verification *block = config->verifications[i];

        for (size_t j = 0; block->type == VERIFICATION_TLSALPN01 && j < block->n_listeners; j++)
            if (is_loop(&block->listeners[j], target))
                return true;
    }
    return false;
}

static int check_loop(Loader *l, Verification *block)
{
    _cleanup_(listen_address_done) ListenAddress target = { 0 };
    int r = listen_address_parse(block->passthrough, &target);

    if (r < 0 || !has_loop(l->config, &target))
        return r;
    drop_passthrough(block);
    return config_report(l, LOG_ERR, (Place){ block->file, block->line },
                         "passthrough of [verification \"%.64s\"] leads back to a listener; write "
                         "the address of the TLS server behind it",
                         block->name);
}

static bool listens_for_tls(const Config *config)
{
    for (size_t i = 0; i < config->n_verifications; i++)
        if (config->verifications[i]->type == VERIFICATION_TLSALPN01 &&
            config->verifications[i]->n_listeners > 0)
            return true;
    return false;
}

static int refuse_unused(Loader *l, Verification *block)
{
    drop_passthrough(block);
    return config_report(l, LOG_ERR, (Place){ block->file, block->line },
                         "passthrough of [verification \"%.64s\"] has no effect, because no block "
                         "of type tls-alpn01 has a listener; add a listener, or delete passthrough",
                         block->name);
}

static bool is_same(const Verification *a, const Verification *b)
{
    return streq(a->passthrough, b->passthrough) &&
           a->passthrough_proxy_protocol == b->passthrough_proxy_protocol;
}

static int warn_without_passthrough(Loader *l, const Verification *block)
{
    return config_report(l, LOG_WARNING, (Place){ block->file, block->line },
                         "passthrough-proxy-protocol of [verification \"%.64s\"] has no effect "
                         "without passthrough; add passthrough, or delete it",
                         block->name);
}

/* One program serves all blocks, so they share one passthrough. */
int config_check_passthroughs(Loader *l)
{
    bool is_used = l->unread || l->unlistened || listens_for_tls(l->config);
    const Verification *first = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < l->config->n_verifications; i++) {
        Verification *block = l->config->verifications[i];

        if (!block->passthrough && block->passthrough_proxy_protocol) {
            r = warn_without_passthrough(l, block);
        } else if (block->passthrough && !is_used) {
            r = refuse_unused(l, block);
        } else if (block->passthrough && first && !is_same(first, block)) {
            r = config_report(
                l, LOG_ERR, (Place){ block->file, block->line },
                "passthrough of [verification \"%.64s\"] differs from %s:%u, but one "
                "program serves both; write the same address and passthrough-proxy-protocol",
                block->name, first->file, first->line);
            drop_passthrough(block);
        } else if (block->passthrough) {
            r = check_loop(l, block);
        }
        if (!first && block->passthrough)
            first = block;
    }
    return r;
}
