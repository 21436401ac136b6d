/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authorizations/verification-choice.h"

#include "test.h"

#define NAME "a.example.org"

static char web_name[] = "web", dns_name[] = "dns", block_name[] = "b";
static const Verification web = { .name = web_name, .type = VERIFICATION_HTTP01 },
                          dns = { .name = dns_name, .type = VERIFICATION_DNS01_DNSUPDATE };
static const Verification *both[] = { &web, &dns }, *one[] = { &web };

/* A list of challenges of these types. */
static json_t *make_challenges(const char *first, const char *second)
{
    json_t *list = second ? json_pack("[{ss}{ss}]", "type", first, "type", second)
                          : json_pack("[{ss}]", "type", first);

    ASSERT_TRUE(list);
    return list;
}

static void test_takes_the_first(void)
{
    AuthBlock auth = { .name = block_name, .verifications = both, .n_verifications = 2 };
    VerificationChoice choice = { .auth = &auth };
    json_auto_t *challenges = make_challenges("dns-01", "http-01");

    ASSERT_TRUE(verification_choice_find(&choice, challenges));
    ASSERT_TRUE(verification_choice_current(&choice) == &web);
    ASSERT_TRUE(verification_choice_challenge(&choice, challenges) ==
                json_array_get(challenges, 1));
    verification_choice_done(&choice);
}

/* A CA may offer a type that cannot prove what it asks for. */
static void test_unsuitable(void)
{
    AuthBlock auth = { .name = block_name, .verifications = both, .n_verifications = 2 };
    VerificationChoice wildcard = { .auth = &auth, .is_wildcard = true };
    VerificationChoice address = { .auth = &auth, .is_address = true };
    json_auto_t *challenges = make_challenges("http-01", "dns-01");
    json_auto_t *dns_only = make_challenges("dns-01", NULL);

    ASSERT_TRUE(verification_choice_find(&wildcard, challenges));
    ASSERT_TRUE(verification_choice_current(&wildcard) == &dns);
    ASSERT_FALSE(verification_choice_find(&address, dns_only));
    verification_choice_done(&wildcard);
    verification_choice_done(&address);
}

static void test_passes_over(void)
{
    AuthBlock auth = { .name = block_name, .verifications = both, .n_verifications = 2 };
    VerificationChoice choice = { .auth = &auth };
    json_auto_t *challenges = make_challenges("dns-01", "http-01");
    Failure failure = { 0 }, last = { 0 };

    ASSERT_TRUE(verification_choice_find(&choice, challenges));
    failure_set(&failure, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 421, 0, NAME ": no room");
    verification_choice_note(&choice, NAME, &failure);
    ASSERT_TRUE(verification_choice_has_next(&choice));
    verification_choice_next(&choice, NAME, &failure);
    ASSERT_TRUE(verification_choice_find(&choice, challenges));
    ASSERT_TRUE(verification_choice_current(&choice) == &dns);
    ASSERT_FALSE(verification_choice_has_next(&choice));

    failure_set(&last, LOG_EVENT_CHALLENGE_NOT_PUBLISHED, 421, 0, "out of order");
    verification_choice_note(&choice, NAME, &last);
    verification_choice_sum_up(&choice, NAME, &last);
    ASSERT_STREQ(last.reason,
                 NAME ": [verification \"web\"]: no room; [verification \"dns\"]: out of order");
    failure_done(&last);
    failure_done(&failure);
    verification_choice_done(&choice);
}

static void test_not_offered(void)
{
    AuthBlock auth = { .name = block_name, .verifications = one, .n_verifications = 1 };
    VerificationChoice choice = { .auth = &auth };
    json_auto_t *challenges = make_challenges("dns-01", NULL);
    Failure failure = { 0 };

    ASSERT_FALSE(verification_choice_find(&choice, challenges));
    verification_choice_set_failure(&choice, NAME, &failure);
    ASSERT_EQ(failure.status, 421);
    ASSERT_TRUE(strncmp(failure.reason, NAME ": ", strlen(NAME ": ")) == 0);
    ASSERT_FALSE(strstr(failure.reason, "[verification"));
    failure_done(&failure);
    verification_choice_done(&choice);
}

int main(void)
{
    test_takes_the_first();
    test_unsuitable();
    test_passes_over();
    test_not_offered();
    return EXIT_SUCCESS;
}
