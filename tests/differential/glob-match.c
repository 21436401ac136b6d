/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Matches names against the globs of "domain". stdin: lines, a name and a glob in turn. stdout: 1
 * or 0 for each pair. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "x509/dns-name.h"

static bool read_line(char line[static 512])
{
    if (!fgets(line, 512, stdin))
        return false;
    line[strcspn(line, "\n")] = '\0';
    return true;
}

int main(void)
{
    char name[512], glob[512];

    while (read_line(name) && read_line(glob))
        putchar(dns_name_matches(name, glob) ? '1' : '0');
    return 0;
}
