/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/policy.h"

#include <arpa/inet.h>

#include "test.h"

/* Literals for members that own their strings in the program. */
#define TEXT(literal) ((char *)(literal))
#define LIST(...)     ((char **)(const char *const[]){ __VA_ARGS__, NULL })

static const char body[] = "the request's body";

static const Csr www = { .names = LIST("www.example.org") };
static const Csr two = { .names = LIST("www.example.org", "mail.example.net") };
static const Csr wildcard = { .names = LIST("*.example.org") };
static const Csr with_email = { .names = LIST("www.example.org"),
                                .other_san = TEXT("e-mail address") };
static const Csr email_only = { .other_san = TEXT("e-mail address") };
static const Csr with_address = { .names = LIST("www.example.org"),
                                  .addresses = LIST("192.0.2.1", "2001:db8::1") };
static const Csr address_only = { .addresses = LIST("192.0.2.1") };

static SocketAddress peer_of(const char *text)
{
    SocketAddress peer = { .in.sin_family = AF_INET };

    ASSERT_EQ(inet_pton(AF_INET, text, &peer.in.sin_addr), 1);
    return peer;
}

static AddressPrefix prefix_of(const char *text)
{
    AddressPrefix prefix;
    char *meant = NULL;

    ASSERT_OK(address_prefix_parse(text, &prefix, &meant));
    return prefix;
}

static void make_hash(Authentication *authentication, const char *key, const char *text)
{
    struct iovec part = { .iov_base = TEXT(text), .iov_len = strlen(text) };

    ASSERT_OK(authentication_hmac(authentication->digest, key, &part, 1, authentication->hash));
}

static Authentication authentication_of(const char *digest, const char *key)
{
    Authentication authentication = { .digest = digest_find(digest, strlen(digest)) };

    make_hash(&authentication, key, body);
    return authentication;
}

#define NOW 1790000000

/* The HMAC of this time and the body. */
static Authentication timed(uint64_t at, const char *key)
{
    Authentication authentication = { .digest = digest_find("sha256", 6),
                                      .has_time = true,
                                      .time = at };
    char text[100];

    snprintf(text, sizeof(text), "%ju\n%s", (uintmax_t)at, body);
    make_hash(&authentication, key, text);
    return authentication;
}

static PolicyRequest request_of(const SocketAddress *peer, const Authentication *authentication,
                                const Csr *csr)
{
    return (PolicyRequest){
        .peer = peer,
        .authentication = authentication,
        .body = body,
        .body_size = strlen(body),
        .csr = csr,
        .now = NOW,
    };
}

static Config config_of(AuthBlock *const *blocks, size_t n)
{
    return (Config){ .auth = (AuthBlock **)blocks, .n_auth = n };
}

static void assert_allowed(const Config *config, PolicyRequest request, const AuthBlock *block)
{
    char *why = NULL;

    ASSERT_TRUE(policy_is_possible(config, &request, &why));
    ASSERT_TRUE(policy_knows_client(config, &request, &why));
    ASSERT_TRUE(policy_decide(config, &request, &why) == block);
    ASSERT_TRUE(!why);
}

/* The client is known, its request is refused. */
static void assert_refused(const Config *config, PolicyRequest request, const char *expected)
{
    _cleanup_free_ char *why = NULL;

    ASSERT_TRUE(policy_is_possible(config, &request, &why));
    ASSERT_TRUE(policy_knows_client(config, &request, &why));
    ASSERT_TRUE(!why);
    ASSERT_TRUE(!policy_decide(config, &request, &why));
    ASSERT_STREQ(why, expected);
}

/* Possible at first, refused with the body, before its CSR is decoded. */
static void assert_unknown(const Config *config, PolicyRequest request, const char *expected)
{
    _cleanup_free_ char *why = NULL;

    request.csr = NULL;
    ASSERT_TRUE(policy_is_possible(config, &request, &why));
    ASSERT_TRUE(!why);
    ASSERT_FALSE(policy_knows_client(config, &request, &why));
    ASSERT_STREQ(why, expected);
}

/* Refused before the body is read, and also after. */
static void assert_impossible(const Config *config, PolicyRequest request, const char *expected)
{
    _cleanup_free_ char *early = NULL, *late = NULL;
    PolicyRequest head = request_of(request.peer, request.authentication, NULL);

    head.authentication_error = request.authentication_error;
    ASSERT_FALSE(policy_is_possible(config, &head, &early));
    ASSERT_STREQ(early, expected);
    ASSERT_TRUE(!policy_decide(config, &request, &late));
    ASSERT_STREQ(late, expected);
}

static void test_address(void)
{
    AddressPrefix prefixes[] = { prefix_of("2001:db8::/32"), prefix_of("192.0.2.0/24") };
    AuthBlock block = { .name = TEXT("web"),
                        .ips = prefixes,
                        .n_ips = ELEMENTSOF(prefixes),
                        .domains = LIST("*.example.org") };
    Config config = config_of((AuthBlock *[]){ &block }, 1);
    SocketAddress inside = peer_of("192.0.2.7"), outside = peer_of("198.51.100.9");
    SocketAddress mapped = { .in6.sin6_family = AF_INET6 }, local = { .sa.sa_family = AF_UNIX };

    ASSERT_EQ(inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.in6.sin6_addr), 1);
    assert_allowed(&config, request_of(&inside, NULL, &www), &block);
    assert_allowed(&config, request_of(&mapped, NULL, &www), &block);
    assert_impossible(&config, request_of(&outside, NULL, &www),
                      "auth \"web\": 198.51.100.9 is not in ip");
    assert_impossible(
        &config, request_of(&local, NULL, &www),
        "auth \"web\": the client uses a unix socket and has no address, so ip does not match");
}

static void test_names(void)
{
    AuthBlock block = { .name = TEXT("all"),
                        .all = true,
                        .domains = LIST("*.example.org", "mail.*") };
    AuthBlock narrow = { .name = TEXT("narrow"), .all = true, .domains = LIST("?.example.org") };
    AuthBlock none = { .name = TEXT("none"), .all = true };
    Config config = config_of((AuthBlock *[]){ &none, &narrow, &block }, 3);
    Config narrow_config = config_of((AuthBlock *[]){ &none, &narrow }, 2);
    Config empty = { 0 };
    SocketAddress peer = peer_of("192.0.2.7");

    assert_allowed(&config, request_of(&peer, NULL, &www), &block);
    assert_allowed(&config, request_of(&peer, NULL, &two), &block);
    assert_allowed(&config, request_of(&peer, NULL, &wildcard), &block);
    assert_refused(&narrow_config, request_of(&peer, NULL, &wildcard),
                   "auth \"none\": no domain covers *.example.org; "
                   "auth \"narrow\": no domain covers *.example.org");
    config.auth[2]->domains = LIST("www.example.org");
    assert_refused(&config, request_of(&peer, NULL, &two),
                   "auth \"none\": no domain covers www.example.org; "
                   "auth \"narrow\": no domain covers www.example.org; "
                   "auth \"all\": no domain covers mail.example.net");
    assert_impossible(&empty, request_of(&peer, NULL, &www),
                      "the configuration has no [auth] block");
}

static void test_other_names(void)
{
    AuthBlock block = { .name = TEXT("all"), .all = true, .domains = LIST("*") };
    Config config = config_of((AuthBlock *[]){ &block }, 1);
    SocketAddress peer = peer_of("192.0.2.7");
    static const char why[] = "auth \"all\": the request has a name of type e-mail address, which "
                              "no block can permit";

    assert_refused(&config, request_of(&peer, NULL, &with_email), why);
    assert_refused(&config, request_of(&peer, NULL, &email_only), why);
    ASSERT_TRUE(policy_covers(&block, &two));
    ASSERT_FALSE(policy_covers(&block, &with_email));
    ASSERT_FALSE(policy_covers(&block, &email_only));
}

static void test_addresses(void)
{
    AddressPrefix four = prefix_of("192.0.2.0/28"), both[] = { four, prefix_of("2001:db8::/64") };
    AuthBlock none = { .name = TEXT("none"), .all = true, .domains = LIST("*") };
    AuthBlock some = {
        .name = TEXT("some"), .all = true, .domains = LIST("*"), .ip_sans = &four, .n_ip_sans = 1
    };
    AuthBlock only = {
        .name = TEXT("only"), .all = true, .ip_sans = both, .n_ip_sans = ELEMENTSOF(both)
    };
    AuthBlock full = { .name = TEXT("full"),
                       .all = true,
                       .domains = LIST("www.*"),
                       .ip_sans = both,
                       .n_ip_sans = ELEMENTSOF(both) };
    Config config = config_of((AuthBlock *[]){ &none, &some, &only }, 3);
    Config full_config = config_of((AuthBlock *[]){ &none, &full }, 2);
    SocketAddress peer = peer_of("192.0.2.7");

    assert_allowed(&config, request_of(&peer, NULL, &address_only), &some);
    assert_allowed(&full_config, request_of(&peer, NULL, &with_address), &full);
    assert_refused(&config, request_of(&peer, NULL, &with_address),
                   "auth \"none\": no ip-san covers 192.0.2.1; "
                   "auth \"some\": no ip-san covers 2001:db8::1; "
                   "auth \"only\": no domain covers www.example.org");
    ASSERT_FALSE(policy_covers(&none, &address_only));
    ASSERT_TRUE(policy_covers(&only, &address_only));
    ASSERT_FALSE(policy_covers(&only, &www));
}

/* @sentence: for a client that has the key; NULL: none */
static void assert_digest_refused(const Config *config, PolicyRequest request, const char *why,
                                  const char *sentence)
{
    _cleanup_free_ char *without_body = NULL, *with_body = policy_explain_digest(config, &request);

    assert_unknown(config, request, why);
    ASSERT_TRUE(sentence ? with_body && streq(with_body, sentence) : !with_body);
    request.body = NULL;
    without_body = policy_explain_digest(config, &request);
    ASSERT_TRUE(!without_body);
}

static void test_hmac(void)
{
    static char key[] = "secret";
    AuthBlock block = { .name = TEXT("mail"),
                        .hmac_type = digest_find("sha256", 6),
                        .hmac_key = key,
                        .domains = LIST("*.example.org") };
    Config config = config_of((AuthBlock *[]){ &block }, 1);
    SocketAddress peer = { .sa.sa_family = AF_UNIX };
    Authentication right = authentication_of("sha256", "secret");
    Authentication wrong = authentication_of("sha256", "guess");
    Authentication other = authentication_of("sha512", "secret");
    Authentication wrong_other = authentication_of("sha512", "guess");
    PolicyRequest malformed, unknown;

    assert_allowed(&config, request_of(&peer, &right, &www), &block);
    assert_impossible(&config, request_of(&peer, NULL, &www),
                      "auth \"mail\": no Authentication header");
    malformed = unknown = request_of(&peer, NULL, &www);
    malformed.authentication_error = -EINVAL;
    assert_impossible(&config, malformed, "auth \"mail\": the Authentication header is malformed");
    unknown.authentication_error = -EOPNOTSUPP;
    assert_impossible(&config, unknown,
                      "auth \"mail\": the Authentication header names an unknown digest");
    assert_digest_refused(
        &config, request_of(&peer, &other, &www),
        "auth \"mail\": the request's HMAC uses sha512, not sha256, but with the "
        "key of this block",
        "The HMAC in the Authentication header uses sha512, and the auth block of "
        "this key requires sha256. Send one with name=sha256.");
    assert_digest_refused(&config, request_of(&peer, &wrong_other, &www),
                          "auth \"mail\": the request's HMAC uses sha512, not sha256", NULL);
    assert_unknown(&config, request_of(&peer, &wrong, &www),
                   "auth \"mail\": the HMAC does not verify");
    assert_refused(&config, request_of(&peer, &right, &two),
                   "auth \"mail\": no domain covers mail.example.net");
}

static void assert_time_refused(const Config *config, uint64_t at, const char *why,
                                const char *sentence)
{
    SocketAddress peer = { .sa.sa_family = AF_UNIX };
    Authentication authentication = timed(at, "long secret");
    PolicyRequest request = request_of(&peer, &authentication, &www);
    _cleanup_free_ char *time_sentence = NULL;

    assert_impossible(config, request, why);
    time_sentence = policy_explain_time(config, &request);
    ASSERT_TRUE(strncmp(time_sentence, sentence, strlen(sentence)) == 0);
    ASSERT_TRUE(
        strstr(time_sentence, "which shows 1790000000 (2026-09-21T14:13:20Z). At most 300 "));
}

static void test_hmac_max_age(void)
{
    static char key[] = "long secret";
    AuthBlock block = { .name = TEXT("mail"),
                        .hmac_type = digest_find("sha256", 6),
                        .hmac_key = key,
                        .hmac_max_age = 300,
                        .domains = LIST("*.example.org") };
    Config config = config_of((AuthBlock *[]){ &block }, 1);
    SocketAddress peer = { .sa.sa_family = AF_UNIX };
    static const int64_t accepted[] = { -300, -1, 0, 1, 300 };
    Authentication untimed = authentication_of("sha256", key), other;
    PolicyRequest request = request_of(&peer, &untimed, &www);

    for (size_t i = 0; i < ELEMENTSOF(accepted); i++) {
        Authentication right = timed((uint64_t)(NOW + accepted[i]), key);

        request = request_of(&peer, &right, &www);
        assert_allowed(&config, request, &block);
        ASSERT_TRUE(!policy_explain_time(&config, &request));
    }
    assert_time_refused(&config, NOW - 301,
                        "auth \"mail\": the time of the request is 301 s behind this server's "
                        "clock, more than hmac-max-age = 300",
                        "The time in the Authentication header is 301 seconds behind the clock");
    assert_time_refused(&config, NOW + 301,
                        "auth \"mail\": the time of the request is 301 s ahead of this server's "
                        "clock, more than hmac-max-age = 300",
                        "The time in the Authentication header is 301 seconds ahead of the clock");
    assert_time_refused(&config, 0,
                        "auth \"mail\": the time of the request is 1790000000 s behind this "
                        "server's clock, more than hmac-max-age = 300",
                        "The time in the Authentication header is 1790000000 seconds behind the ");

    request = request_of(&peer, &untimed, &www);
    assert_impossible(&config, request,
                      "auth \"mail\": the Authentication header has no time, which hmac-max-age "
                      "requires");
    ASSERT_TRUE(!policy_explain_time(&config, &request));

    other = timed(NOW, key);
    other.time++;
    assert_unknown(&config, request_of(&peer, &other, &www),
                   "auth \"mail\": the HMAC does not verify");

    /* Without the limit, a time is permitted, and part of the HMAC. */
    block.hmac_max_age = 0;
    other = timed(1, key);
    assert_allowed(&config, request_of(&peer, &other, &www), &block);
    assert_allowed(&config, request_of(&peer, &untimed, &www), &block);
    other.time++;
    assert_unknown(&config, request_of(&peer, &other, &www),
                   "auth \"mail\": the HMAC does not verify");
}

/* Each method of a block must match. */
static void test_both_methods(void)
{
    static char key[] = "secret";
    AddressPrefix prefix = prefix_of("192.0.2.0/24");
    AuthBlock both = { .name = TEXT("both"),
                       .ips = &prefix,
                       .n_ips = 1,
                       .hmac_type = digest_find("sha256", 6),
                       .hmac_key = key,
                       .all = true,
                       .domains = LIST("*") };
    AuthBlock second = {
        .name = TEXT("second"), .ips = &prefix, .n_ips = 1, .domains = LIST("www.*")
    };
    AuthBlock open = { .name = TEXT("open"), .domains = LIST("*") };
    Config config = config_of((AuthBlock *[]){ &both, &second }, 2);
    Config open_config = config_of((AuthBlock *[]){ &open }, 1);
    SocketAddress inside = peer_of("192.0.2.7"), outside = peer_of("198.51.100.9");
    Authentication right = authentication_of("sha256", "secret");

    assert_allowed(&config, request_of(&inside, &right, &www), &both);
    assert_allowed(&config, request_of(&inside, NULL, &www), &second);
    assert_impossible(&config, request_of(&outside, &right, &www),
                      "auth \"both\": 198.51.100.9 is not in ip; "
                      "auth \"second\": 198.51.100.9 is not in ip");
    assert_impossible(&open_config, request_of(&inside, &right, &www),
                      "auth \"open\": it has no authentication method");
}

static void test_many_blocks(void)
{
    enum { N = 10000 };
    AddressPrefix prefix = prefix_of("192.0.2.1");
    AuthBlock block = { .name = TEXT("b"), .ips = &prefix, .n_ips = 1, .domains = LIST("*") };
    AuthBlock last = { .name = TEXT("last"), .all = true, .domains = LIST("*") };
    AuthBlock **blocks = calloc(N, sizeof(AuthBlock *));
    SocketAddress peer = peer_of("192.0.2.7");
    PolicyRequest request = request_of(&peer, NULL, &www);
    Config config = config_of(blocks, N);
    _cleanup_free_ char *why = NULL;
    size_t named = 0;

    for (size_t i = 0; i < N; i++)
        blocks[i] = &block;
    ASSERT_FALSE(policy_is_possible(&config, &request, &why));
    for (const char *at = why; (at = strstr(at, "auth \"b\"")); at++)
        named++;
    ASSERT_EQ(named, 16);
    ASSERT_STREQ(why + strlen(why) - strlen("; and 9984 more"), "; and 9984 more");

    blocks[N - 1] = &last;
    assert_allowed(&config, request, &last);
    free(blocks);
}

int main(void)
{
    test_address();
    test_names();
    test_other_names();
    test_addresses();
    test_hmac();
    test_hmac_max_age();
    test_both_methods();
    test_many_blocks();
    return 0;
}
