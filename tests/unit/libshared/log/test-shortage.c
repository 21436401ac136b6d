/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/shortage.h"

#include "test-directory.h"
#include "test-logged.h"

static void test_pause(void)
{
    Shortage shortage = { .what = "do it" };

    ASSERT_TRUE(shortage_is_over(&shortage, 1));
    ASSERT_TRUE(shortage_deadline(&shortage) == USEC_INFINITY);
    shortage_begin(&shortage, EAGAIN, USEC_PER_SEC);
    ASSERT_TRUE(shortage_deadline(&shortage) > USEC_PER_SEC);
    ASSERT_TRUE(!shortage_is_over(&shortage, USEC_PER_SEC));
    ASSERT_TRUE(shortage_is_over(&shortage, shortage_deadline(&shortage)));
    ASSERT_TRUE(shortage_deadline(&shortage) == USEC_INFINITY);
    shortage_begin(&shortage, EAGAIN, USEC_PER_SEC);
    shortage_end(&shortage);
    ASSERT_TRUE(shortage_is_over(&shortage, USEC_PER_SEC));
}

/* One entry for each shortage, however long it lasts. */
static void test_told(void)
{
    Shortage shortage = { .what = "do it" };
    usec_t now = USEC_PER_SEC;

    (void)logged("Failed");
    for (unsigned i = 0; i < 1000; i++, now += USEC_PER_SEC)
        shortage_begin(&shortage, EAGAIN, now);
    ASSERT_EQ(logged("Failed to do it, will retry: Resource temporarily unavailable"), 1);
    now += 60 * USEC_PER_SEC;
    for (unsigned i = 0; i < 10; i++, now += USEC_PER_SEC)
        shortage_begin(&shortage, ENOMEM, now);
    ASSERT_EQ(logged("Failed to do it, will retry: Cannot allocate memory"), 1);
}

int main(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();

    /* logged_open() makes a file in the working directory. */
    ASSERT_OK(chdir(directory));
    logged_open("test-shortage");
    test_pause();
    test_told();
    logged_close();
    return EXIT_SUCCESS;
}
