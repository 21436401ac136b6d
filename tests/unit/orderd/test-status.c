/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"
#include "test-directory.h"
#include "test.h"

static void test_trouble(void)
{
    static char directory[] = "/nowhere/at/all", url[] = "https://ca.test/dir";
    AccountBlock account = { .directory = directory, .server = url };
    const AccountBlock *used[] = { &account };
    AuthBlock auth = { .accounts = used, .n_accounts = 1 };
    Config config = {
        .accounts = (AccountBlock *[]){ &account },
        .n_accounts = 1,
        .auth = (AuthBlock *[]){ &auth },
        .n_auth = 1,
    };
    char buf[STATUS_SIZE];

    ASSERT_STREQ(status_describe_trouble(&config, false, buf),
                 "no account at https://ca.test/dir: run acme-register; ");
    ASSERT_STREQ(status_describe_trouble(&config, true, buf),
                 "the changed configuration has errors: run acmemsctl check; "
                 "no account at https://ca.test/dir: run acme-register; ");
    account.accept_terms_of_service = true; /* acmems-orderd registers it with the first order */
    ASSERT_STREQ(status_describe_trouble(&config, false, buf), "");
    account.accept_terms_of_service = false;
    config.n_auth = 0; /* no client can have a certificate anyway */
    ASSERT_STREQ(status_describe_trouble(&config, false, buf), "");
}

static void test_unusable_key(void)
{
    _cleanup_test_directory_ char *directory = test_directory_new();
    static char url[] = "https://ca.test/dir", path[] = "/run/credentials/acmems.ini";
    AccountBlock account = { .directory = directory,
                             .server = url,
                             .accept_terms_of_service = true };
    const AccountBlock *used[] = { &account };
    AuthBlock auth = { .accounts = used, .n_accounts = 1 };
    Config config = {
        .accounts = (AccountBlock *[]){ &account },
        .n_accounts = 1,
        .auth = (AuthBlock *[]){ &auth },
        .n_auth = 1,
    };
    char buf[STATUS_SIZE];

    test_write(directory, "account.pem", "{\"kty\": \"EC\"}");
    ASSERT_STREQ(status_describe_trouble(&config, false, buf),
                 "unusable account key at https://ca.test/dir: run acmemsctl check; ");
    config.path = path;
    ASSERT_STREQ(
        status_describe_trouble(&config, true, buf),
        "the changed configuration has errors: run acmemsctl check /run/credentials/acmems.ini; "
        "unusable account key at https://ca.test/dir: run acmemsctl check "
        "/run/credentials/acmems.ini; ");
    /* acmemsctl does not see it. */
    ASSERT_OK(setenv("CREDENTIALS_DIRECTORY", directory, 1));
    ASSERT_STREQ(status_describe_trouble(&config, false, buf),
                 "unusable account key in the credential account.pem: it is a JSON Web Key (JWK); "
                 "convert it to "
                 "PEM; ");
    ASSERT_OK(unsetenv("CREDENTIALS_DIRECTORY"));
}

int main(void)
{
    char buf[STATUS_SIZE];

    test_trouble();
    test_unusable_key();

    ASSERT_STREQ(status_describe(0, &(InventoryCount){ 0 }, buf),
                 "0 orders in progress; 0 certificates");
    ASSERT_STREQ(
        status_describe(1, &(InventoryCount){ .certificates = 1, .next_renewal = 86400 }, buf),
        "1 order in progress; 1 certificate; next renewal 1970-01-02 00:00 UTC");
    ASSERT_STREQ(status_describe(2, &(InventoryCount){ .is_first = true, .certificates = 7 }, buf),
                 "2 orders in progress; counting certificates");
    ASSERT_STREQ(status_describe(3, &(InventoryCount){ false, 1204, 1000, 1796011200 }, buf),
                 "3 orders in progress; 1,204 certificates, 1,000 of them due; "
                 "next renewal 2026-11-30 04:00 UTC");
    ASSERT_STREQ(status_describe(999, &(InventoryCount){ false, 1234567, 1234567, 0 }, buf),
                 "999 orders in progress; 1,234,567 certificates, 1,234,567 of them due");
    return EXIT_SUCCESS;
}
