/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first bytes of a TLS client. */

#include "tls/client-hello.h"

#include "base/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const ClientHello *hello)
{
    const char *name = hello->server_name;

    if (*name && (!dns_name_is_valid(name) || *name == '*'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ClientHello hello, again;
    int r = client_hello_parse(data, size, &hello), measured = client_hello_measure(data, size);

    /* A client for whom a process was started is never unfinished there, and the other way round.
     */
    if ((r == CLIENT_HELLO_UNFINISHED) != (measured == CLIENT_HELLO_UNFINISHED))
        abort();
    if (r == CLIENT_HELLO_WHOLE)
        check(&hello);
    /* A prefix gives the same result, or needs more data, or is refused. */
    else if (r == CLIENT_HELLO_UNFINISHED && size > 0 &&
             client_hello_parse(data, size - 1, &again) != CLIENT_HELLO_UNFINISHED)
        abort();
    return 0;
}
