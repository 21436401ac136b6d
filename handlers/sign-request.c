/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sign-request.h"

#include <stdio.h>

#include "log.h"
#include "order-client.h"
#include "policy.h"
#include "storage.h"
#include "strv.h"

/* Longer than orderd takes for one order, so that its reason arrives. */
#define ORDER_DEADLINE (100 * USEC_PER_SEC)
#define RETRY_SOON     60U

#define CHAIN_TYPE "application/pem-certificate-chain"

/* Says nothing about the policy: who asks may be a stranger. */
#define NOT_ALLOWED                                                                                \
    "This request is not allowed: the server's administrator finds the reason in its journal."

/* A request on its way. */
typedef struct Sign {
    HttpExchange *exchange;
    const Config *config;
    Authentication authentication;
    PolicyRequest policy;
    const char *body;
    size_t size;
    Csr *csr;
    const AuthBlock *auth;
} Sign;

static void sign_done(Sign *sign)
{
    csr_free(sign->csr);
}

/* The one entry that each request leaves in the journal. What a client can make long is cut, or
 * comes last, where the end of the entry cuts it. */
static void log_outcome(HttpExchange *exchange, int status, const AuthBlock *auth, const Csr *csr,
                        const char *why)
{
    _cleanup_free_ char *names = csr ? strv_join(csr->names, " ") : NULL;
    char peer[INET6_ADDRSTRLEN];

    log_info("%.20s %.100s from %s: %d%s%s%s: %s%s%s", http_method(exchange), http_path(exchange),
             socket_address_format(http_peer(exchange), peer), status, auth ? ", auth \"" : "",
             auth ? auth->name : "", auth ? "\"" : "", why, names && *names ? "; names " : "",
             str_or(names, ""));
}

static void refuse(Sign *sign, int status, unsigned retry_after, const char *sentence,
                   const char *why)
{
    log_outcome(sign->exchange, status, sign->auth, sign->csr, why);
    http_reply_error(sign->exchange, status, retry_after, sentence);
}

static void reply_chain(Sign *sign, const char *chain, const char *how)
{
    log_outcome(sign->exchange, 200, sign->auth, sign->csr, how);
    http_reply(sign->exchange, 200, CHAIN_TYPE, NULL, chain, strlen(chain));
}

/* Each step answers the request and returns false, or returns true: the next one goes on. */

static bool check_config(Sign *sign)
{
    if (sign->config)
        return true;
    refuse(sign, 503, RETRY_SOON,
           "The server's configuration is broken: its administrator finds the line in the journal, "
           "or with 'acmemsctl check'.",
           "the configuration is broken");
    return false;
}

static bool check_head(Sign *sign)
{
    _cleanup_free_ char *why = NULL;
    const char *header = http_header(sign->exchange, "Authentication");

    sign->policy.peer = http_peer(sign->exchange);
    if (header && authentication_parse(header, &sign->authentication) >= 0)
        sign->policy.authentication = &sign->authentication;
    if (policy_is_possible(sign->config, &sign->policy, &why))
        return true;
    refuse(sign, 403, 0, NOT_ALLOWED, str_or(why, "no auth block matches"));
    return false;
}

static bool read_csr(Sign *sign)
{
    const char *reason = NULL;
    int r;

    if (http_read_body(sign->exchange, &sign->body, &sign->size) < 0)
        return false;
    r = csr_parse(sign->body, sign->size, &sign->csr, &reason);
    if (r >= 0)
        return true;
    if (r == -EBADMSG)
        refuse(sign, 415, 0, str_or(reason, "The body is not a CSR."), str_or(reason, "no CSR"));
    else
        refuse(sign, 500, 0, "The server is out of memory: try again later.", "out of memory");
    return false;
}

static bool check_policy(Sign *sign)
{
    _cleanup_free_ char *why = NULL;

    sign->policy.body = sign->body;
    sign->policy.body_size = sign->size;
    sign->policy.csr = sign->csr;
    sign->auth = policy_decide(sign->config, &sign->policy, &why);
    if (sign->auth)
        return true;
    refuse(sign, 403, 0, NOT_ALLOWED, str_or(why, "no auth block matches"));
    return false;
}

static bool try_cache(Sign *sign)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    _cleanup_free_ char *text = NULL;
    const Storage *storage = sign->auth->storage;
    const char *why = NULL;
    size_t size;
    int r;

    r = storage_lookup(storage, sign->body, sign->size, sign->csr, &chain, &why);
    if (r < 0)
        (void)log_warning_errno(r, "Storage \"%s\" cannot be read: %m", storage->name);
    else if (r == STORAGE_DAMAGED)
        log_warning("Entry in storage \"%s\" is damaged and not used: %s", storage->name,
                    str_or(why, "?"));
    if (r != STORAGE_HIT)
        return true;
    if (chain_format(chain, &text, &size) < 0) {
        refuse(sign, 500, 0, "The server is out of memory: try again later.", "out of memory");
        return false;
    }
    reply_chain(sign, text, "from the cache");
    return false;
}

static bool order(Sign *sign)
{
    _cleanup_(order_answer_done) OrderAnswer answer = { 0 };
    _cleanup_free_ char *socket = NULL;
    int r;

    if (asprintf(&socket, "%s/orderd.sock", sign->config->runtime_directory) < 0) {
        socket = NULL;
        refuse(sign, 500, 0, "The server is out of memory: try again later.", "out of memory");
        return false;
    }
    r = order_request(socket, sign->auth->name, sign->body, sign->size,
                      http_request_id(sign->exchange), now_monotonic() + ORDER_DEADLINE, &answer);
    if (r >= 0 && answer.status == 200)
        reply_chain(sign, answer.chain, "ordered");
    else if (r >= 0)
        refuse(sign, answer.status, answer.retry_after, answer.reason, answer.reason);
    else if (r == -ETIMEDOUT)
        refuse(sign, 503, RETRY_SOON,
               "The certificate is not there yet: post the same CSR again later.",
               "the order is still under way");
    else {
        (void)log_error_errno(r, "acmems-orderd at '%s' does not answer: %m", socket);
        refuse(sign, 503, RETRY_SOON,
               "The server's order service cannot be reached: try again later.",
               "acmems-orderd does not answer");
    }
    return false;
}

void sign_request(HttpExchange *exchange, void *userdata)
{
    static bool (*const steps[])(Sign * sign) = {
        check_config, check_head, read_csr, check_policy, try_cache, order,
    };
    _cleanup_(sign_done) Sign sign = { .exchange = exchange, .config = userdata };

    for (size_t i = 0; i < ELEMENTSOF(steps); i++)
        if (!steps[i](&sign))
            return;
}

void sign_request_begin(HttpExchange *exchange, void *userdata)
{
    (void)userdata;
    log_set_request(http_request_id(exchange));
}

void sign_request_refused(HttpExchange *exchange, int status, const char *reason, void *userdata)
{
    (void)userdata;
    log_outcome(exchange, status, NULL, NULL, reason);
}
