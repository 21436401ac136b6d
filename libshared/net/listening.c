/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/listening.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/macro.h"

#define STATE_LISTEN 0x0a /* TCP_LISTEN of the kernel */

/* A line of /proc/net/tcp or tcp6. */
typedef struct Row {
    uint8_t address[16];
    uint32_t port, state;
} Row;

#define WORD_DIGITS  8U
#define PORT_DIGITS  4U
#define STATE_DIGITS 2U

/* Takes a number of this many digits, at most WORD_DIGITS, from the front. */
static bool take_hex(const char **at, size_t digits, uint32_t *ret)
{
    char text[WORD_DIGITS + 1] = "";

    if (strspn(*at, "0123456789ABCDEFabcdef") < digits)
        return false;
    memcpy(text, *at, digits);
    *ret = (uint32_t)strtoul(text, NULL, 16);
    *at += digits;
    return true;
}

/* "  0: 0100007F:0521 00000000:0000 0A …": the address is made of words in the byte order of the
 * machine, of which IPv4 has one and IPv6 four. */
static bool parse_row(const char *line, size_t n_words, Row *ret)
{
    const char *at = strchr(line, ':');
    uint32_t word;

    if (!at)
        return false;
    at += 1 + strspn(at + 1, " ");
    for (size_t i = 0; i < n_words; i++) {
        if (!take_hex(&at, WORD_DIGITS, &word))
            return false;
        memcpy(ret->address + i * sizeof(word), &word, sizeof(word));
    }
    if (*at++ != ':' || !take_hex(&at, PORT_DIGITS, &ret->port))
        return false;
    at += strspn(at, " ");
    at += strcspn(at, " "); /* the other end */
    at += strspn(at, " ");
    return take_hex(&at, STATE_DIGITS, &ret->state);
}

static bool covers(const Row *row, const ListenAddress *address, size_t size)
{
    static const uint8_t any[16];

    return row->port == address->port && (memcmp(row->address, address->bytes, size) == 0 ||
                                          memcmp(row->address, any, size) == 0);
}

static int find_row(FILE *table, const ListenAddress *address)
{
    size_t n_words = address->kind == LISTEN_INET ? 1 : 4;
    char line[512];
    Row row;

    if (!fgets(line, sizeof(line), table)) /* the header */
        return ferror(table) ? -EIO : 0;
    /* The kernel lists the listening sockets before all others. */
    while (fgets(line, sizeof(line), table)) {
        if (!parse_row(line, n_words, &row))
            return -EBADMSG;
        if (row.state != STATE_LISTEN)
            return 0;
        if (covers(&row, address, n_words * sizeof(uint32_t)))
            return 1;
    }
    return ferror(table) ? -EIO : 0;
}

int listening_at(const ListenAddress *address)
{
    struct stat st;
    FILE *table;
    int r;

    if (address->kind == LISTEN_UNIX) {
        if (stat(address->address, &st) >= 0)
            return S_ISSOCK(st.st_mode);
        return errno == ENOENT ? 0 : -errno;
    }
    table =
        fopen(address->kind == LISTEN_INET ? "/proc/self/net/tcp" : "/proc/self/net/tcp6", "re");
    if (!table)
        return -errno;
    r = find_row(table, address);
    (void)fclose(table);
    return r;
}
