/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/rate-limit.h"

#include "strings/strv.h"
#include "test.h"

static char first[] = "www.example.org", second[] = "*.shop.example.net";
static char *const names[] = { first, second, NULL };

static void test_scope(void)
{
    static const struct {
        const char *said;
        PauseKind kind;
        const char *quoted; /* "": none */
    } table[] = {
        { "rateLimited: too many new orders (300) from this account in the last 3h0m0s, retry "
          "after "
          "2026-12-01 04:00:00 UTC: see https://letsencrypt.org/docs/rate-limits/",
          PAUSE_ACCOUNT, "" },
        { "too many new registrations (10) from this IP address in the last 3h0m0s", PAUSE_ACCOUNT,
          "" },
        { "too many certificates (50) already issued for \"example.org\" in the last 168h0m0s",
          PAUSE_DOMAIN, "example.org" },
        { "too many certificates (50) already issued for \"Shop.Example.NET\" in the last 168h0m0s",
          PAUSE_DOMAIN, "shop.example.net" },
        { "too many certificates (5) already issued for this exact set of identifiers in the last "
          "168h0m0s",
          PAUSE_NAMES, "" },
        { "too many failed authorizations (5) for \"www.example.org\" in the last 1h0m0s",
          PAUSE_NAME, "www.example.org" },
        { "too many failed authorizations (5) for \"shop.example.net\" and for "
          "\"www.example.org\", "
          "\"www.example.org\"",
          PAUSE_NAME, "shop.example.net www.example.org" },
        { "Service busy; retry later.", PAUSE_SERVER, "" },

        /* Names outside of the order are ignored. */
        { "too many certificates (50) already issued for \"example.com\"", PAUSE_NAMES, "" },
        { "too many certificates (50) already issued for \"org\"", PAUSE_NAMES, "" },
        { "too many certificates (50) already issued for \"ample.org\"", PAUSE_NAMES, "" },
        { "too many certificates (50) already issued for \"\"", PAUSE_NAMES, "" },
        { "too many certificates (50) already issued for \"example.org", PAUSE_NAMES, "" },
        { "too many failed authorizations (5) for \"example.org\"", PAUSE_NAMES, "" },
        { "slow down", PAUSE_NAMES, "" },
        { "", PAUSE_NAMES, "" },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_strv_ char **quoted = NULL;
        _cleanup_free_ char *joined = NULL;

        ASSERT_EQ(rate_limit_scope(table[i].said, names, &quoted), table[i].kind);
        joined = strv_join(quoted, " ");
        ASSERT_STREQ(joined, table[i].quoted);
    }
}

static void test_left(void)
{
    const time_t now = 1795600000; /* 2026-11-25 09:46:40 UTC */

    ASSERT_EQ(rate_limit_left("…, retry after 2026-11-25 10:46:41 UTC: see https://…", now), 3601);
    ASSERT_EQ(rate_limit_left("Retry after 2026-11-25T10:46:41Z", now), 3601);
    ASSERT_EQ(rate_limit_left("retry after 2036-11-25 10:46:41 UTC", now), PAUSE_MAX);
    ASSERT_EQ(rate_limit_left("retry after 2026-11-25 09:46:40 UTC", now), 0);
    ASSERT_EQ(rate_limit_left("retry after a while", now), 0);
    ASSERT_EQ(rate_limit_left("", now), 0);
}

int main(void)
{
    test_scope();
    test_left();
    return EXIT_SUCCESS;
}
