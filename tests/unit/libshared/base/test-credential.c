/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/credential.h"
#include "test-directory.h"
#include "test.h"

int main(void)
{
    _cleanup_(test_directory_freep) char *directory = test_directory_new();
    _cleanup_free_ char *path = test_path(directory, "acmems.ini");
    char buf[PATH_MAX];

    test_write(directory, "acmems.ini", "");
    ASSERT_OK(unsetenv("CREDENTIALS_DIRECTORY"));
    ASSERT_TRUE(!credential_directory("acmems.ini"));
    ASSERT_STREQ(credential_path("acmems.ini", "/etc/x", buf), "/etc/x");

    ASSERT_OK(setenv("CREDENTIALS_DIRECTORY", directory, 1));
    ASSERT_STREQ(credential_directory("acmems.ini"), directory);
    ASSERT_STREQ(credential_path("acmems.ini", "/etc/x", buf), path);
    ASSERT_TRUE(!credential_directory("account.pem"));
    ASSERT_STREQ(credential_path("account.pem", "/etc/x", buf), "/etc/x");
    return EXIT_SUCCESS;
}
