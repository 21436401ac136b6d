/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/tsig-key.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/io.h"
#include "strings/encode.h"
#include "strings/text.h"
#include "x509/dns-name.h"

#define FILE_SIZE_MAX   ((size_t)16 * 1024)
#define NAME_MAX_LENGTH 253U
#define TOKEN_SIZE      1024U /* bytes of the longest word that makes sense, with its NUL */

/* ldns signs with no other algorithms; those without a wire name are only recognized. */
static const TsigAlgorithm algorithms[] = {
    { "hmac-sha256", "hmac-sha256.", false }, { "hmac-sha512", "hmac-sha512.", false },
    { "hmac-sha1", "hmac-sha1.", true },      { "hmac-md5", "hmac-md5.sig-alg.reg.int.", true },
    { "hmac-sha224", NULL, false },           { "hmac-sha384", NULL, false },
};

TsigKey *tsig_key_free(TsigKey *key)
{
    if (!key)
        return NULL;
    if (key->secret)
        explicit_bzero(key->secret, strlen(key->secret));
    free(key->secret);
    free(key->name);
    free(key);
    return NULL;
}

static int tsig_refuse(char why[TSIG_WHY_SIZE], const char *text)
{
    (void)snprintf(why, TSIG_WHY_SIZE, "%s", text);
    return -EINVAL;
}

/* "hmac-sha256", "SHA256", "hmac-md5.sig-alg.reg.int." */
static const TsigAlgorithm *find_algorithm(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
        const TsigAlgorithm *a = &algorithms[i];

        if (strcaseeq(a->name, name) || strcaseeq(a->name + STRLEN("hmac-"), name) ||
            (a->wire && strncasecmp(a->wire, name, strlen(a->wire) - 1) == 0 &&
             (!name[strlen(a->wire) - 1] || streq(name + strlen(a->wire) - 1, "."))))
            return a;
    }
    return NULL;
}

static int take_algorithm(const char *text, char why[TSIG_WHY_SIZE], TsigKey *key)
{
    key->algorithm = find_algorithm(text);
    if (!key->algorithm)
        return tsig_refuse(why, "its algorithm is unknown, use hmac-sha256 or hmac-sha512");
    if (key->algorithm->wire)
        return 0;
    (void)snprintf(why, TSIG_WHY_SIZE,
                   "its algorithm %s is not supported, create a key for hmac-sha256 or hmac-sha512",
                   key->algorithm->name);
    return -EINVAL;
}

/* A name that needs no escapes. The name of a key is never looked up in DNS. */
static bool is_key_name(const char *name, size_t length)
{
    size_t label = 0;

    for (size_t i = 0; i < length; i++) {
        bool is_dot = name[i] == '.';

        if (is_dot ? label == 0 : name[i] <= ' ' || name[i] > '~' || strchr("\\\"();@$", name[i]))
            return false;
        label = is_dot ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0 && length <= NAME_MAX_LENGTH;
}

static int take_name(const char *text, char why[TSIG_WHY_SIZE], TsigKey *key)
{
    size_t length = strlen(text);

    if (length > 0 && text[length - 1] == '.')
        length--;
    if (!is_key_name(text, length))
        return tsig_refuse(why, "its name is not a valid key name");
    key->name = strndup(text, length);
    if (!key->name)
        return -ENOMEM;
    dns_name_fold(key->name);
    return 0;
}

static int take_secret(const char *text, char why[TSIG_WHY_SIZE], TsigKey *key)
{
    size_t length = strlen(text), size;
    uint8_t *bytes;
    int r =
        length > 0 && length < TOKEN_SIZE ? base64_decode(text, length, &bytes, &size) : -EINVAL;

    if (r == -EINVAL)
        return tsig_refuse(why, "its secret is not base64");
    if (r < 0)
        return r;
    explicit_bzero(bytes, size);
    free(bytes);
    if (size == 0)
        return tsig_refuse(why, "its secret is empty");
    key->secret = strdup(text);
    return key->secret ? 0 : -ENOMEM;
}

/* Writes to @text. */
static int take_parts(char *text, char why[TSIG_WHY_SIZE], TsigKey *key)
{
    char *name = strchr(text, ':'), *secret = name ? strchr(name + 1, ':') : NULL;
    int r;

    if (!secret)
        return tsig_refuse(why, "it is not algorithm:name:secret");
    *name++ = *secret++ = '\0';
    r = take_algorithm(text, why, key);
    if (r >= 0)
        r = take_name(name, why, key);
    return r < 0 ? r : take_secret(secret, why, key);
}

int tsig_key_parse(const char *text, char why[TSIG_WHY_SIZE], TsigKey **ret)
{
    _cleanup_(tsig_key_freep) TsigKey *key = calloc(1, sizeof(*key));
    char *copy = strdup(text);
    int r = -ENOMEM;

    if (key && copy)
        r = take_parts(copy, why, key);
    if (copy)
        explicit_bzero(copy, strlen(text));
    free(copy);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(key);
    return 0;
}

/* The words of a file in the syntax of named.conf, one after the other. */
typedef struct Scanner {
    const char *at, *end;
    char token[TOKEN_SIZE]; /* "" at the end of the file */
    bool quoted;
} Scanner;

static bool starts_with(const Scanner *s, const char *text)
{
    size_t length = strlen(text);

    return (size_t)(s->end - s->at) >= length && memcmp(s->at, text, length) == 0;
}

static int skip_comment(Scanner *s)
{
    while (s->at < s->end && !starts_with(s, "*/"))
        s->at++;
    if (s->at == s->end)
        return -EINVAL;
    s->at += 2;
    return 0;
}

static int skip_blanks(Scanner *s)
{
    while (s->at < s->end)
        if (strchr(" \t\r\n", *s->at)) {
            if (!*s->at)
                return -EINVAL;
            s->at++;
        } else if (*s->at == '#' || starts_with(s, "//")) {
            while (s->at < s->end && *s->at != '\n')
                s->at++;
        } else if (starts_with(s, "/*")) {
            if (skip_comment(s) < 0)
                return -EINVAL;
        } else {
            break;
        }
    return 0;
}

static int scan_quoted(Scanner *s)
{
    const char *begin = ++s->at;
    size_t length;

    while (s->at < s->end && *s->at != '"' && *s->at != '\n' && *s->at)
        s->at++;
    length = (size_t)(s->at - begin);
    if (s->at == s->end || *s->at != '"' || length >= sizeof(s->token))
        return -EINVAL;
    s->at++;
    memcpy(s->token, begin, length);
    s->token[length] = '\0';
    return 0;
}

static int scan(Scanner *s)
{
    size_t n = 0;

    s->quoted = false;
    s->token[0] = '\0';
    if (skip_blanks(s) < 0)
        return -EINVAL;
    if (s->at == s->end)
        return 0;
    s->quoted = *s->at == '"';
    if (s->quoted)
        return scan_quoted(s);
    do
        s->token[n++] = *s->at++;
    while (s->at < s->end && n < sizeof(s->token) - 1 && !strchr("{};", s->token[0]) &&
           !strchr(" \t\r\n{};\"", *s->at));
    s->token[n] = '\0';
    return n < sizeof(s->token) - 1 ? 0 : -EINVAL;
}

/* Whether the next word is this one, unquoted. */
static bool expect(Scanner *s, const char *word)
{
    return scan(s) >= 0 && !s->quoted && streq(s->token, word);
}

static int parse_statement(Scanner *s, char why[TSIG_WHY_SIZE], TsigKey *key)
{
    bool is_algorithm = streq(s->token, "algorithm") && !key->algorithm;
    int r;

    if (s->quoted || (!is_algorithm && (!streq(s->token, "secret") || key->secret)))
        return tsig_refuse(why, "it contains something other than one algorithm and one secret");
    if (scan(s) < 0)
        return tsig_refuse(why, "it is truncated, or contains a word that is too long");
    r = is_algorithm ? take_algorithm(s->token, why, key) : take_secret(s->token, why, key);
    if (r < 0)
        return r;
    return expect(s, ";") ? 0 : tsig_refuse(why, "it lacks a ;");
}

static int parse_key(Scanner *s, char why[TSIG_WHY_SIZE], TsigKey *key)
{
    static const char no_key[] = "it is not of the form key \"name\" { algorithm …; secret …; };";
    int r;

    if (!expect(s, "key") || scan(s) < 0)
        return tsig_refuse(why, no_key);
    r = take_name(s->token, why, key);
    if (r < 0)
        return r;
    if (!expect(s, "{"))
        return tsig_refuse(why, no_key);
    while (scan(s) >= 0 && (s->quoted || (*s->token && !streq(s->token, "}")))) {
        r = parse_statement(s, why, key);
        if (r < 0)
            return r;
    }
    if (!streq(s->token, "}") || !expect(s, ";"))
        return tsig_refuse(why, no_key);
    if (!expect(s, ""))
        return tsig_refuse(why, "it contains something other than one key");
    return key->algorithm && key->secret ? 0
                                         : tsig_refuse(why, "it lacks an algorithm or a secret");
}

int tsig_key_parse_file(const char *text, size_t size, char why[TSIG_WHY_SIZE], TsigKey **ret)
{
    _cleanup_(tsig_key_freep) TsigKey *key = calloc(1, sizeof(*key));
    Scanner scanner = { .at = text + text_mark_size(text, size), .end = text + size };
    int r;

    if (!key)
        return -ENOMEM;
    r = text_is_utf16(text, size) ? tsig_refuse(why, "it is in UTF-16; save it as UTF-8")
                                  : parse_key(&scanner, why, key);
    explicit_bzero(scanner.token, sizeof(scanner.token));
    if (r < 0)
        return r;
    *ret = TAKE_PTR(key);
    return 0;
}

int tsig_key_load(const char *path, char why[TSIG_WHY_SIZE], TsigKey **ret)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = read_file_at(AT_FDCWD, path, FILE_SIZE_MAX, &text, &size);

    if (r < 0) {
        (void)snprintf(why, TSIG_WHY_SIZE, "it cannot be read: %s", strerror(-r));
        return r;
    }
    r = tsig_key_parse_file(text, size, why, ret);
    explicit_bzero(text, size);
    if (r == -ENOMEM)
        (void)snprintf(why, TSIG_WHY_SIZE, "out of memory");
    return r;
}
