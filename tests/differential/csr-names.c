/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Shows the names that acmems reads from CSRs.
 *
 * stdin, for each CSR: its number of bytes, uint32_t, and its PEM. stdout: a line for each, with
 * DNS:… and IP:… for the names, and "other" if there is a name of another type; or "refused: " and
 * why.
 */

#include <stdint.h>
#include <stdio.h>

#include "base/macro.h"
#include "strings/strv.h"
#include "x509/csr.h"

static void show(const Csr *csr)
{
    STRV_FOREACH (name, csr->names)
        printf("DNS:%s ", *name);
    STRV_FOREACH (address, csr->addresses)
        printf("IP:%s ", *address);
    puts(csr->other_san ? "other" : "");
}

int main(void)
{
    static char pem[1 << 20];
    uint32_t size;

    while (fread(&size, sizeof(size), 1, stdin) == 1) {
        _cleanup_(csr_freep) Csr *csr = NULL;
        const char *reason = NULL;

        if (size > sizeof(pem) || fread(pem, 1, size, stdin) != size)
            return 1;
        if (csr_parse(pem, size, &csr, &reason) >= 0)
            show(csr);
        else
            printf("refused: %s\n", str_or(reason, "out of memory"));
    }
    return 0;
}
