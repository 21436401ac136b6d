/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/profile.h"

#include "test.h"

static void assert_failure(const json_t *directory, const char *words)
{
    Failure failure = { 0 };

    profile_set_failure(&failure, directory, "short");
    ASSERT_EQ(failure.status, 500);
    ASSERT_TRUE(strstr(failure.reason, "'short'") && strstr(failure.reason, words));
    failure_done(&failure);
}

int main(void)
{
    json_auto_t *some = json_pack("{s{s{ssss}}}", "meta", "profiles", "tlsserver", "…", "classic",
                                  "https://ca.example/classic");
    json_auto_t *odd = json_pack("{s{ss}}", "meta", "profiles", "classic");
    json_auto_t *none = json_object();

    ASSERT_TRUE(profile_is_offered(some, "classic"));
    ASSERT_FALSE(profile_is_offered(some, "Classic"));
    ASSERT_FALSE(profile_is_offered(some, "\xff"));
    ASSERT_FALSE(profile_is_offered(odd, "classic"));
    ASSERT_FALSE(profile_is_offered(none, "classic"));
    ASSERT_FALSE(profile_is_offered(NULL, "classic"));
    assert_failure(some, "(classic, tlsserver)");
    assert_failure(none, "(none)");
    assert_failure(odd, "(none)");
    return 0;
}
