/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

#define DIGITS   "0123456789"
#define LETTERS  "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
/* The characters of a reg-name (RFC 3986 §3.2.2). */
#define URI_NAME LETTERS CAPITALS DIGITS "-._~%!$&'()*+,;="

static bool is_name(const char *text)
{
    return *text && *text != '.' && text[strlen(text) - 1] != '.' && !strstr(text, "..") &&
           !text[strspn(text, LETTERS DIGITS "-_.")];
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text += 'a' - 'A';
}

/* @text: has room for HOST_SIZE bytes */
static int normalize(char *text, bool in_brackets)
{
    size_t length = strlen(text);
    uint8_t bytes[16];

    if (inet_pton(AF_INET6, text, bytes) == 1)
        return inet_ntop(AF_INET6, bytes, text, HOST_SIZE) ? 0 : -EINVAL;
    if (in_brackets)
        return -EINVAL;
    if (length > 0 && text[length - 1] == '.')
        text[length - 1] = '\0';
    lower(text);
    return is_name(text) ? 0 : -EINVAL;
}

int host_parse(const char *text, size_t length, char ret[HOST_SIZE])
{
    bool in_brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    char host[HOST_SIZE];
    int r;

    if (in_brackets) {
        text++;
        length -= 2;
    }
    if (length >= sizeof(host) || memchr(text, '\0', length))
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    r = normalize(host, in_brackets);
    if (r >= 0)
        memcpy(ret, host, sizeof(host));
    return r;
}

/* Returns the length of the host in front of the port, with its brackets; 0 if the port, which may
 * be empty, is no number. */
static size_t split_port(const char *value)
{
    size_t length = *value == '[' ? strcspn(value, "]") + 1 : strcspn(value, ":");
    const char *port = value + length;

    if (length > strlen(value))
        return 0;
    return *port && (*port != ':' || port[1 + strspn(port + 1, DIGITS)]) ? 0 : length;
}

/* An IPv6 address, maybe with a zone, in brackets. */
static bool is_bracketed(const char *text, size_t length)
{
    size_t n = strcspn(text, "%]"), end = length - STRLEN("]");
    char address[INET6_ADDRSTRLEN];
    uint8_t bytes[16];

    if (n < 1 || n > sizeof(address))
        return false;
    memcpy(address, text + 1, n - 1);
    address[n - 1] = '\0';
    return inet_pton(AF_INET6, address, bytes) == 1 && n + strspn(text + n, URI_NAME) >= end;
}

bool host_is_authority(const char *value)
{
    size_t length = split_port(value);

    if (*value == '[')
        return length > 0 && is_bracketed(value, length);
    return length > 0 && strspn(value, URI_NAME) == length;
}

int host_parse_header(const char *value, char ret[HOST_SIZE])
{
    size_t length = split_port(value);

    return length > 0 ? host_parse(value, length, ret) : -EINVAL;
}
