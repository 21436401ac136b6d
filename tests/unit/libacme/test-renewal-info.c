/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/renewal-info.h"

#include "test.h"

#define START 1767312000 /* 2026-01-02T00:00:00Z */
#define DAY   86400

static bool takes(long status, const char *text, RenewalInfo *ret)
{
    json_auto_t *json = json_loads(text, 0, NULL);
    SessionReply reply = { .status = status, .json = json_is_object(json) ? json : NULL };
    RenewalInfo info = { 0 };
    bool is_read = renewal_info_read(&reply, &info);

    /* The reply that it borrows from ends with this function. */
    info.explanation = info.explanation ? "there" : NULL;
    if (ret)
        *ret = info;
    return is_read;
}

#define WINDOW(start, end) "\"suggestedWindow\": { \"start\": \"" start "\", \"end\": \"" end "\" }"
#define GOOD               WINDOW("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")

static void test_read(void)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        "{ \"suggestedWindow\": 5 }",
        "{ \"suggestedWindow\": { \"start\": 5, \"end\": \"2026-01-03T00:00:00Z\" } }",
        "{ \"suggestedWindow\": { \"start\": \"2026-01-02T00:00:00Z\" } }",
        "{" WINDOW("2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z") "}",
        "{" WINDOW("2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z") "}",
        "{" WINDOW("tomorrow", "2026-01-02T00:00:00Z") "}",
    };
    RenewalInfo info;

    ASSERT_TRUE(takes(200, "{" GOOD "}", &info));
    ASSERT_EQ(info.start, START);
    ASSERT_EQ(info.end, START + DAY);
    ASSERT_TRUE(!info.explanation);
    ASSERT_TRUE(takes(200, "{" GOOD ", \"explanationURL\": \"https://ca.example/a\" }", &info));
    ASSERT_TRUE(info.explanation);
    ASSERT_TRUE(takes(200, "{" GOOD ", \"explanationURL\": \"http://ca.example/a\" }", &info));
    ASSERT_TRUE(!info.explanation);
    ASSERT_TRUE(
        takes(200, "{" GOOD ", \"explanationURL\": \"https://ca.example/\\u001b[1m\" }", &info));
    ASSERT_TRUE(!info.explanation);
    ASSERT_FALSE(takes(404, "{" GOOD "}", NULL));
    for (size_t i = 0; i < ELEMENTSOF(bad); i++)
        ASSERT_FALSE(takes(200, bad[i], NULL));
}

static void assert_next(unsigned retry_after, long least, long most)
{
    for (int i = 0; i < 100; i++) {
        time_t next = renewal_info_next(&(SessionReply){ .retry_after = retry_after }, 1000);

        ASSERT_TRUE(next >= 1000 + least && next <= 1000 + most);
    }
}

int main(void)
{
    json_auto_t *with = json_pack("{ss}", "renewalInfo", "https://ca.example/renewal");
    json_auto_t *without = json_object();

    ASSERT_TRUE(renewal_info_is_offered(with));
    ASSERT_FALSE(renewal_info_is_offered(without));
    ASSERT_FALSE(renewal_info_is_offered(NULL));
    test_read();
    /* As the CA says, but at most once a minute and at least twice a day. */
    assert_next(7200, 7200, 9000);
    assert_next(0, 6 * 3600, 12 * 3600);
    assert_next(1, 60, 75);
    assert_next(30 * DAY, 9 * 3600, 12 * 3600);
    return EXIT_SUCCESS;
}
