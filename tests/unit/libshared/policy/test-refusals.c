/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/refusals.h"

#include "test-directory.h"
#include "test-logged.h"

#define BEGIN ((usec_t)1000)

static Source make_source(const char *address)
{
    SocketAddress peer = { 0 };

    (void)socket_address_parse(address, &peer);
    return source_of(&peer);
}

/* Makes so many refusals, and returns how many of them have an entry. */
static unsigned refuse(Refusals *refusals, const char *address, unsigned n, usec_t now)
{
    const Source source = make_source(address);
    unsigned passed = 0;

    for (unsigned i = 0; i < n; i++)
        passed += refusals_pass(refusals, &source, now);
    return passed;
}

static void test_window(void)
{
    _cleanup_(refusals_freep) Refusals *refusals = NULL;

    ASSERT_OK(refusals_new(&refusals));
    ASSERT_EQ(refuse(refusals, "192.0.2.1", REFUSALS_LOGGED, BEGIN), REFUSALS_LOGGED);
    ASSERT_EQ(refuse(refusals, "192.0.2.1", 5, BEGIN + 1), 0);
    ASSERT_EQ(refuse(refusals, "192.0.2.2", 1, BEGIN), 1);
    refusals_sum_up(refusals, BEGIN + REFUSALS_WINDOW - 1);
    ASSERT_EQ(logged("192.0.2"), 0);
    refusals_sum_up(refusals, BEGIN + REFUSALS_WINDOW);
    ASSERT_EQ(logged("from 192.0.2.1 that failed and have no entry of their own: 5"), 1);
    ASSERT_EQ(refuse(refusals, "192.0.2.1", REFUSALS_LOGGED + 1, BEGIN + REFUSALS_WINDOW),
              REFUSALS_LOGGED);
    refusals_sum_up(refusals, USEC_INFINITY);
    ASSERT_EQ(logged(": 1\n"), 1);
    refusals_sum_up(refusals, USEC_INFINITY);
    ASSERT_EQ(logged(":"), 0);
}

/* Sources that are easily confused have a count of their own, and their own text. */
static void test_sources(void)
{
    static const struct {
        const char *address, *text;
    } sources[] = {
        { "192.0.2.1", "from 192.0.2.1 " },
        { "::", "from ::/64 " },
        { "2001:db8::1", "from 2001:db8::/64 " },
        { "32.1.13.184", "from 32.1.13.184 " },
        { "255.255.255.255", "from 255.255.255.255 " },
        { "2001:db8:0:1::", "from 2001:db8:0:1::/64 " },
        { "fe80::1", "from fe80::/64 " },
        { "none", "from unix sockets " },
    };
    _cleanup_(refusals_freep) Refusals *refusals = NULL;

    ASSERT_OK(refusals_new(&refusals));
    for (size_t i = 0; i < ELEMENTSOF(sources); i++)
        ASSERT_EQ(refuse(refusals, sources[i].address, REFUSALS_LOGGED + 7, BEGIN),
                  REFUSALS_LOGGED);
    refusals_sum_up(refusals, USEC_INFINITY);
    ASSERT_EQ(logged(" of their own: 7\n"), ELEMENTSOF(sources));
    for (size_t i = 0; i < ELEMENTSOF(sources); i++) {
        refuse(refusals, sources[i].address, REFUSALS_LOGGED + 7, BEGIN);
        refusals_sum_up(refusals, USEC_INFINITY);
        ASSERT_EQ(logged(sources[i].text), 1);
    }
}

/* However many sources there are, the number of entries is limited. All parts of an address that
 * differ decide about the slot. */
static void test_many_sources(const char *start, const char *end)
{
    _cleanup_(refusals_freep) Refusals *refusals = NULL;
    unsigned passed = 0;

    ASSERT_OK(refusals_new(&refusals));
    for (unsigned i = 0; i < 65536; i++) {
        char address[INET6_ADDRSTRLEN];

        (void)snprintf(address, sizeof(address), "%s%x%s", start, i, end);
        passed += refuse(refusals, address, 1, BEGIN);
    }
    ASSERT_TRUE(passed > 400 && passed <= 512 + REFUSALS_LOGGED);
    refusals_sum_up(refusals, USEC_INFINITY);
    ASSERT_EQ(logged("other addresses"), 1);
}

/* While a slot in front of a source's own becomes free, the source keeps its count. */
static void test_own_slot_first(void)
{
    _cleanup_(refusals_freep) Refusals *refusals = NULL;
    char address[INET6_ADDRSTRLEN];

    ASSERT_OK(refusals_new(&refusals));
    for (unsigned i = 0; i < 400; i++) {
        (void)snprintf(address, sizeof(address), "2001:db8:0:%x::1", i);
        refuse(refusals, address, 1, BEGIN);
    }
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(address, sizeof(address), "192.0.2.%u", i);
        ASSERT_TRUE(refuse(refusals, address, REFUSALS_LOGGED, BEGIN + REFUSALS_WINDOW - 1) > 0);
    }
    refusals_sum_up(refusals, BEGIN + REFUSALS_WINDOW);
    for (unsigned i = 0; i < 50; i++) {
        (void)snprintf(address, sizeof(address), "192.0.2.%u", i);
        ASSERT_EQ(refuse(refusals, address, 1, BEGIN + REFUSALS_WINDOW), 0);
    }
}

/* A window that ends later than any that can have begun is over: a clock that was set back, or a
 * process that was taken over, keeps no slot. */
static void test_late_end(void)
{
    _cleanup_(refusals_freep) Refusals *refusals = NULL;

    ASSERT_OK(refusals_new(&refusals));
    refuse(refusals, "192.0.2.1", REFUSALS_LOGGED + 3, BEGIN + 1000 * USEC_PER_SEC);
    refusals_sum_up(refusals, BEGIN);
    ASSERT_EQ(logged("of their own: 3\n"), 1);
    ASSERT_EQ(refuse(refusals, "192.0.2.1", 1, BEGIN), 1);
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();

    /* logged_open() makes a file in the working directory. */
    ASSERT_OK(chdir(directory));
    logged_open("test-refusals");
    test_window();
    test_sources();
    test_many_sources("2001:db8:0:", "::1");
    test_many_sources("2001:", "::1");
    test_own_slot_first();
    test_late_end();
    logged_close();
    return EXIT_SUCCESS;
}
