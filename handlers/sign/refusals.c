/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign/refusals.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "log/log.h"

#define SLOTS 512U
/* How many slots a source can have: more would take longer to search. */
#define PROBES 8U

/* A source with refusals in its window. */
typedef struct Slot {
    _Atomic uint64_t id; /* of the source; 0: free */
    _Atomic usec_t until;
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

/* An id is the prefix of an IPv6 address, or one of multicast, from where no connection comes. 0 is
 * a free slot: ::/64, where ::1 is, has another id. */
static const uint8_t inet_mark[4] = { 0xff, 0xff, 0xff, 0xff };
static const uint8_t zeros_mark[8] = { 0xff, 0xff, 0xff, 0xfe };
static const uint8_t unix_mark[8] = { 0xff, 0xff, 0xff, 0xfd };
static const uint8_t zeros[8];

static uint64_t id_of(const Source *source)
{
    uint8_t bytes[8];
    uint64_t id;

    memcpy(bytes, source->bytes, sizeof(bytes));
    if (source->family == AF_INET) {
        memcpy(bytes, inet_mark, sizeof(inet_mark));
        memcpy(bytes + 4, source->bytes, 4);
    } else if (source->family != AF_INET6)
        memcpy(bytes, unix_mark, sizeof(bytes));
    else if (memcmp(bytes, zeros, sizeof(bytes)) == 0)
        memcpy(bytes, zeros_mark, sizeof(bytes));
    memcpy(&id, bytes, sizeof(id));
    return id;
}

static Source source_of_id(uint64_t id)
{
    Source source = { .family = AF_INET6 };
    uint8_t bytes[8];

    memcpy(bytes, &id, sizeof(bytes));
    if (memcmp(bytes, unix_mark, sizeof(bytes)) == 0)
        source.family = AF_UNIX;
    else if (memcmp(bytes, inet_mark, sizeof(inet_mark)) == 0) {
        source.family = AF_INET;
        memcpy(source.bytes, bytes + 4, 4);
    } else if (memcmp(bytes, zeros_mark, sizeof(bytes)) != 0)
        memcpy(source.bytes, bytes, sizeof(bytes));
    return source;
}

/* Multiplicative hashing: neighbouring addresses end up far apart. */
static size_t first_slot(uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 48) % SLOTS;
}

static Slot *slot_find(Refusals *refusals, uint64_t id)
{
    size_t first = first_slot(id);

    for (size_t i = 0; i < PROBES; i++) {
        Slot *slot = &refusals->slots[(first + i) % SLOTS];
        uint64_t found = 0;

        if (atomic_compare_exchange_strong(&slot->id, &found, id) || found == id)
            return slot;
    }
    return &refusals->others;
}

bool refusals_pass(Refusals *refusals, const Source *source, usec_t now)
{
    Slot *slot = slot_find(refusals, id_of(source));
    usec_t none = 0;

    (void)atomic_compare_exchange_strong(&slot->until, &none, now + REFUSALS_WINDOW);
    return atomic_fetch_add(&slot->n, 1) < REFUSALS_LOGGED;
}

static void log_sum(uint64_t n, const char *who)
{
    _cleanup_log_fields_ LogFields fields = { 0 };

    log_fields_add(&fields, LOG_FIELD_CLIENT, who);
    log_event(LOG_EVENT_REFUSALS_SUMMED, &fields,
              "Requests from %s that failed and have no entry of their own: %" PRIu64, who, n);
}

/* Ends the window of a slot, so that the next refusal begins a new one. */
static void slot_sum_up(Slot *slot, usec_t now, const char *who)
{
    char text[SOURCE_TEXT_SIZE];
    usec_t until = atomic_load(&slot->until);
    Source source;
    uint64_t n;

    if (until == 0 || until > now)
        return;
    source = source_of_id(atomic_load(&slot->id));
    n = atomic_exchange(&slot->n, 0);
    atomic_store(&slot->until, 0);
    atomic_store(&slot->id, 0);
    if (n > REFUSALS_LOGGED)
        log_sum(n - REFUSALS_LOGGED, who ? who : source_format(&source, text));
}

void refusals_sum_up(Refusals *refusals, usec_t now)
{
    for (size_t i = 0; i < SLOTS; i++)
        slot_sum_up(&refusals->slots[i], now, NULL);
    slot_sum_up(&refusals->others, now, "other addresses");
}
