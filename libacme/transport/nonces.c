/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/transport/nonces.h"

#define NONCE_LENGTH_MAX 256U

bool nonce_is_valid(const char *nonce)
{
    return nonce && *nonce && strlen(nonce) <= NONCE_LENGTH_MAX &&
           !nonce[strspn(nonce,
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")];
}

void nonces_add(Nonces *nonces, const char *nonce)
{
    char *copy;

    if (!nonce_is_valid(nonce))
        return;
    copy = strdup(nonce);
    if (!copy)
        return;
    if (nonces->n == NONCES_MAX) {
        free(nonces->list[0]);
        nonces->n--;
        memmove(nonces->list, nonces->list + 1, nonces->n * sizeof(char *));
    }
    nonces->list[nonces->n++] = copy;
}

char *nonces_take(Nonces *nonces)
{
    return nonces->n > 0 ? nonces->list[--nonces->n] : NULL;
}

void nonces_clear(Nonces *nonces)
{
    while (nonces->n > 0)
        free(nonces->list[--nonces->n]);
}
