/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "strings/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

static bool is_name(const char *text)
{
    return *text && *text != '.' && text[strlen(text) - 1] != '.' && !strstr(text, "..") &&
           !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.")];
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

int host_parse_header(const char *value, char ret[HOST_SIZE])
{
    size_t length = *value == '[' ? strcspn(value, "]") + 1 : strcspn(value, ":");
    const char *port;

    if (length > strlen(value))
        return -EINVAL;
    port = value + length;
    if (*port && (*port != ':' || port[1 + strspn(port + 1, "0123456789")]))
        return -EINVAL;
    return host_parse(value, length, ret);
}
