/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/refusals.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "log/log.h"

#define SLOTS 512U
/* How many slots a source can have: more would take longer to search. */
#define PROBES 8U

/* A source with refusals in its window. A process that claims a slot can be killed at any time:
 * what it leaves behind ends with the window. */
typedef struct Slot {
    _Atomic usec_t until; /* 0: free */
    _Atomic bool is_named;
    Source source;      /* written before is_named is */
    _Atomic uint64_t n; /* refusals in the window, logged or not */
} Slot;

struct Refusals {
    Slot slots[SLOTS];
    Slot others;
};

int refusals_new(Refusals **ret)
{
    Refusals *refusals =
        mmap(NULL, sizeof(*refusals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (refusals == MAP_FAILED)
        return -ENOMEM;
    *ret = refusals;
    return 0;
}

void refusals_free(Refusals *refusals)
{
    if (refusals)
        (void)munmap(refusals, sizeof(*refusals));
}

/* Multiplicative hashing: neighbouring addresses end up far apart. */
static size_t first_slot(const Source *source)
{
    static const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t network, hash;

    /* The other bytes are 0. */
    memcpy(&network, source->bytes, sizeof(network));
    hash = (network ^ (uint64_t)source->family) * multiplier;
    return (size_t)(hash >> 48) % SLOTS;
}

static bool is_of(const Slot *slot, const Source *source)
{
    return atomic_load(&slot->is_named) && source_equal(&slot->source, source);
}

static bool claim(Slot *slot, const Source *source, usec_t now)
{
    usec_t none = 0;

    if (!atomic_compare_exchange_strong(&slot->until, &none, now + REFUSALS_WINDOW))
        return false;
    slot->source = *source;
    atomic_store(&slot->is_named, true);
    return true;
}

/* Two processes at once may claim a slot each for the same source: then it has a few entries more.
 */
static Slot *slot_find(Refusals *refusals, const Source *source, usec_t now)
{
    size_t first = first_slot(source);
    usec_t none = 0;

    for (size_t i = 0; i < PROBES; i++)
        if (is_of(&refusals->slots[(first + i) % SLOTS], source))
            return &refusals->slots[(first + i) % SLOTS];
    for (size_t i = 0; i < PROBES; i++)
        if (claim(&refusals->slots[(first + i) % SLOTS], source, now))
            return &refusals->slots[(first + i) % SLOTS];
    (void)atomic_compare_exchange_strong(&refusals->others.until, &none, now + REFUSALS_WINDOW);
    return &refusals->others;
}

bool refusals_pass(Refusals *refusals, const Source *source, usec_t now)
{
    return atomic_fetch_add(&slot_find(refusals, source, now)->n, 1) < REFUSALS_LOGGED;
}

static void log_sum(uint64_t n, const char *who)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    log_fields_add(&fields, LOG_FIELD_CLIENT, who);
    log_event(LOG_EVENT_REFUSALS_SUMMED, &fields,
              "Requests from %s that failed and have no entry of their own: %" PRIu64, who, n);
}

/* No honest process writes a later end. */
static bool is_over(usec_t until, usec_t now)
{
    return until != 0 && (until <= now || until > now + REFUSALS_WINDOW);
}

/* Ends the window of a slot, so that the next refusal begins a new one. */
static bool slot_sum_up(Slot *slot, usec_t now, const char *who)
{
    char text[SOURCE_TEXT_SIZE];
    Source source;
    uint64_t n;

    if (!is_over(atomic_load(&slot->until), now))
        return atomic_load(&slot->until) != 0;
    source = slot->source;
    n = atomic_exchange(&slot->n, 0);
    atomic_store(&slot->is_named, false);
    atomic_store(&slot->until, 0);
    if (n > REFUSALS_LOGGED)
        log_sum(n - REFUSALS_LOGGED, who ? who : source_format(&source, text));
    return false;
}

bool refusals_sum_up(Refusals *refusals, usec_t now)
{
    bool is_open = slot_sum_up(&refusals->others, now, "other addresses");

    for (size_t i = 0; i < SLOTS; i++)
        is_open |= slot_sum_up(&refusals->slots[i], now, NULL);
    return is_open;
}
