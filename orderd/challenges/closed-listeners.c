/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenges/closed-listeners.h"

#include <stdio.h>

#include "net/listening.h"

static bool is_open(const Verification *verification)
{
    for (size_t i = 0; i < verification->n_listeners; i++)
        if (listening_at(&verification->listeners[i]) != 0)
            return true;
    return verification->n_listeners == 0;
}

char *closed_listeners_describe(const Verification *verification, const char *unit)
{
    char address[LISTEN_ADDRESS_SIZE], *why;

    if (is_open(verification))
        return NULL;
    return asprintf(&why,
                    "no process of the server listens at %s: run systemctl enable %s && "
                    "systemctl restart %s there",
                    listen_address_format(&verification->listeners[0], address), unit, unit) < 0
               ? NULL
               : why;
}
