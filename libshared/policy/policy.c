/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/policy.h"

#include <inttypes.h>
#include <stdio.h>

#include "strings/rfc3339.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

#define BLOCKS_NAMED_MAX 16

typedef enum Failure {
    FAILURE_NONE,
    FAILURE_ADDRESS,
    FAILURE_HEADER,
    FAILURE_DIGEST,
    FAILURE_UNTIMED,
    FAILURE_TIME,
    FAILURE_NAMES,
    FAILURE_HMAC,
    FAILURE_METHODS,
} Failure;

typedef Failure (*check_t)(const AuthBlock *block, const PolicyRequest *request);

static bool in_prefixes(const AuthBlock *block, const SocketAddress *peer)
{
    for (size_t i = 0; i < block->n_ips; i++)
        if (address_prefix_contains(&block->ips[i], peer))
            return true;
    return false;
}

/* How far the clock of the client is ahead of this one, s. */
static intmax_t clock_difference(const PolicyRequest *request)
{
    return (intmax_t)request->authentication->time - (intmax_t)request->now;
}

static Failure check_time(const AuthBlock *block, const PolicyRequest *request)
{
    if (block->hmac_max_age == 0)
        return FAILURE_NONE;
    if (!request->authentication->has_time)
        return FAILURE_UNTIMED;
    return imaxabs(clock_difference(request)) > block->hmac_max_age ? FAILURE_TIME : FAILURE_NONE;
}

/* Checks what depends only on peer and header. */
static Failure check_early(const AuthBlock *block, const PolicyRequest *request)
{
    /* The configuration accepts no block without a method. If there is one anyway, it permits no
     * client. */
    if (!block->all && block->n_ips == 0 && !block->hmac_type)
        return FAILURE_METHODS;
    if (block->n_ips > 0 && !in_prefixes(block, request->peer))
        return FAILURE_ADDRESS;
    if (!block->hmac_type)
        return FAILURE_NONE;
    if (!request->authentication)
        return FAILURE_HEADER;
    if (request->authentication->digest != block->hmac_type)
        return FAILURE_DIGEST;
    return check_time(block, request);
}

static bool block_allows(const AuthBlock *block, const char *name)
{
    STRV_FOREACH (pattern, block->domains)
        if (dns_name_matches(name, *pattern))
            return true;
    return false;
}

/* The first name that no glob covers; NULL: none. */
static const char *uncovered(const AuthBlock *block, const Csr *csr)
{
    STRV_FOREACH (name, csr->names)
        if (!block_allows(block, *name))
            return *name;
    return NULL;
}

static bool block_allows_address(const AuthBlock *block, const char *address)
{
    for (size_t i = 0; i < block->n_ip_sans; i++)
        if (address_prefix_covers(&block->ip_sans[i], address))
            return true;
    return false;
}

/* The first address that no prefix covers; NULL: none. */
static const char *uncovered_address(const AuthBlock *block, const Csr *csr)
{
    STRV_FOREACH (address, csr->addresses)
        if (!block_allows_address(block, *address))
            return *address;
    return NULL;
}

bool policy_covers(const AuthBlock *block, const Csr *csr)
{
    return (csr->names || csr->addresses) && !csr->other_san && !uncovered(block, csr) &&
           !uncovered_address(block, csr);
}

static Failure check_hmac(const AuthBlock *block, const PolicyRequest *request)
{
    if (block->hmac_type && !authentication_verify(request->authentication, block->hmac_key,
                                                   request->body, request->body_size))
        return FAILURE_HMAC;
    return FAILURE_NONE;
}

/* Whether the HMAC was made with the key of the block, by whatever digest. */
static bool has_key(const AuthBlock *block, const PolicyRequest *request)
{
    return request->body && block->hmac_type && request->authentication &&
           authentication_verify(request->authentication, block->hmac_key, request->body,
                                 request->body_size);
}

/* Another digest is judged when the body is there: a client that has the key is told which one it
 * needs. */
static Failure check_possible(const AuthBlock *block, const PolicyRequest *request)
{
    Failure failure = check_early(block, request);

    return failure == FAILURE_DIGEST ? FAILURE_NONE : failure;
}

/* Checks what depends on the client, not on the names. */
static Failure check_client(const AuthBlock *block, const PolicyRequest *request)
{
    Failure failure = check_early(block, request);

    return failure == FAILURE_NONE ? check_hmac(block, request) : failure;
}

/* The HMAC comes last: a permitted client must not cause one for every block. */
static Failure check_all(const AuthBlock *block, const PolicyRequest *request)
{
    Failure failure = check_early(block, request);

    if (failure != FAILURE_NONE)
        return failure;
    return policy_covers(block, request->csr) ? check_hmac(block, request) : FAILURE_NAMES;
}

static void print_address_failure(FILE *out, const SocketAddress *peer)
{
    char text[INET6_ADDRSTRLEN];

    if (peer->sa.sa_family == AF_INET || peer->sa.sa_family == AF_INET6)
        (void)fprintf(out, "%s is not in ip", socket_address_format(peer, text));
    else
        (void)fputs("the client uses a unix socket and has no address, so ip does not match", out);
}

static void print_time_failure(FILE *out, const AuthBlock *block, const PolicyRequest *request)
{
    intmax_t difference = clock_difference(request);

    (void)fprintf(out,
                  "the time of the request is %" PRIdMAX
                  " s %s this server's clock, more than hmac-max-age = %u",
                  imaxabs(difference), difference < 0 ? "behind" : "ahead of", block->hmac_max_age);
}

static void print_names_failure(FILE *out, const AuthBlock *block, const Csr *csr)
{
    const char *name = uncovered(block, csr), *address = uncovered_address(block, csr);

    if (csr->other_san)
        (void)fprintf(out, "the request has a name of type %s, which no block can permit",
                      csr->other_san);
    else if (!name && address)
        (void)fprintf(out, "no ip-san covers %s", address);
    else
        (void)fprintf(out, "no domain covers %s", name ? name : "a request without names");
}

static void print_header_failure(FILE *out, int error)
{
    (void)fputs(error == 0             ? "no Authentication header"
                : error == -EOPNOTSUPP ? "the Authentication header names an unknown digest"
                                       : "the Authentication header is malformed",
                out);
}

static void print_failure(FILE *out, const AuthBlock *block, const PolicyRequest *request,
                          Failure failure)
{
    switch (failure) {
    case FAILURE_ADDRESS:
        print_address_failure(out, request->peer);
        break;
    case FAILURE_HEADER:
        print_header_failure(out, request->authentication_error);
        break;
    case FAILURE_DIGEST:
        (void)fprintf(out, "the request's HMAC uses %s, not %s%s",
                      request->authentication->digest->name, block->hmac_type->name,
                      has_key(block, request) ? ", but with the key of this block" : "");
        break;
    case FAILURE_UNTIMED:
        (void)fputs("the Authentication header has no time, which hmac-max-age requires", out);
        break;
    case FAILURE_TIME:
        print_time_failure(out, block, request);
        break;
    case FAILURE_NAMES:
        print_names_failure(out, block, request->csr);
        break;
    case FAILURE_HMAC:
        (void)fputs("the HMAC does not verify", out);
        break;
    case FAILURE_METHODS:
        (void)fputs("it has no authentication method", out);
        break;
    case FAILURE_NONE:
        (void)fputs("it matches", out);
        break;
    }
}

/* Says why each block refused, by checks of the named blocks again. NULL when out of memory. */
static char *explain(const Config *config, const PolicyRequest *request, check_t check)
{
    size_t named = config->n_auth < BLOCKS_NAMED_MAX ? config->n_auth : BLOCKS_NAMED_MAX;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool failed;

    if (!out)
        return NULL;
    if (config->n_auth == 0)
        (void)fputs("the configuration has no [auth] block", out);
    for (size_t i = 0; i < named; i++) {
        const AuthBlock *block = config->auth[i];

        (void)fprintf(out, "%sauth \"%s\": ", i > 0 ? "; " : "", block->name);
        print_failure(out, block, request, check(block, request));
    }
    if (config->n_auth > named)
        (void)fprintf(out, "; and %zu more", config->n_auth - named);
    failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

static const AuthBlock *policy_find(const Config *config, const PolicyRequest *request,
                                    check_t check)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (check(config->auth[i], request) == FAILURE_NONE)
            return config->auth[i];
    return NULL;
}

static const AuthBlock *policy_find_or_explain(const Config *config, const PolicyRequest *request,
                                               check_t check, char **ret_why)
{
    const AuthBlock *block = policy_find(config, request, check);

    if (!block)
        *ret_why = explain(config, request, check);
    return block;
}

char *policy_explain_time(const Config *config, const PolicyRequest *request)
{
    char now[RFC3339_SIZE], *text = NULL;
    intmax_t difference;
    size_t i = 0;

    while (i < config->n_auth && check_early(config->auth[i], request) != FAILURE_TIME)
        i++;
    if (i == config->n_auth)
        return NULL;
    difference = clock_difference(request);
    if (asprintf(&text,
                 "The time in the Authentication header is %" PRIdMAX
                 " seconds %s the clock of this server, which shows %" PRIdMAX
                 " (%s). At most %u are permitted. Correct the clock that is wrong, and send a new "
                 "request.",
                 imaxabs(difference), difference < 0 ? "behind" : "ahead of",
                 (intmax_t)request->now, str_or(rfc3339_format(request->now, now), "?"),
                 config->auth[i]->hmac_max_age) < 0)
        return NULL;
    return text;
}

char *policy_explain_digest(const Config *config, const PolicyRequest *request)
{
    const AuthBlock *block = NULL;
    char *text;

    for (size_t i = 0; i < config->n_auth && !block; i++)
        if (check_early(config->auth[i], request) == FAILURE_DIGEST &&
            has_key(config->auth[i], request))
            block = config->auth[i];
    if (!block || asprintf(&text,
                           "The HMAC in the Authentication header uses %s, and the auth block of "
                           "this key requires %s. Send one with name=%s.",
                           request->authentication->digest->name, block->hmac_type->name,
                           block->hmac_type->name) < 0)
        return NULL;
    return text;
}

bool policy_uses_hmac(const Config *config)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (config->auth[i]->hmac_type)
            return true;
    return false;
}

bool policy_is_possible(const Config *config, const PolicyRequest *request, char **ret_why)
{
    return policy_find_or_explain(config, request, check_possible, ret_why);
}

bool policy_knows_client(const Config *config, const PolicyRequest *request, char **ret_why)
{
    return policy_find_or_explain(config, request, check_client, ret_why);
}

const AuthBlock *policy_find_hmac(const Config *config, const PolicyRequest *request)
{
    for (size_t i = 0; i < config->n_auth; i++)
        if (config->auth[i]->hmac_type && check_client(config->auth[i], request) == FAILURE_NONE)
            return config->auth[i];
    return NULL;
}

const AuthBlock *policy_decide(const Config *config, const PolicyRequest *request, char **ret_why)
{
    return policy_find_or_explain(config, request, check_all, ret_why);
}
