/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/scan.h"

#include "make-x509.h"
#include "test-directory-faults.h"
#include "test-directory.h"
#include "test.h"

/* Adds an entry with this certificate. A scan does not read its request. */
static void add(const Storage *storage, const char *body, const char *pem)
{
    _cleanup_(chain_freep) Chain *chain = NULL;
    SignRequest request;
    const char *why;

    ASSERT_OK(sign_request_init(&request, body, strlen(body)));
    ASSERT_OK(chain_parse(pem, strlen(pem), &chain, &why));
    ASSERT_OK(storage_store(storage, &request, chain));
}

/* Scans to the end. Returns the number of entries, and counts the errors. */
static int count(const Storage *storage, int *ret_errors)
{
    _cleanup_(storage_scan_freep) StorageScan *scan = NULL;
    char key[STORAGE_KEY_SIZE];
    Renewal renewal;
    int n = 0, r;

    *ret_errors = 0;
    ASSERT_OK(storage_scan_new(storage, &scan));
    while ((r = storage_scan_next(scan, key, &renewal)) != 0) {
        if (r > 0) {
            n++;
            continue;
        }
        ASSERT_EQ(r, fault_readdir != 0 ? -EIO : -EMFILE);
        fault_readdir = fault_fdopendir = 0;
        ++*ret_errors;
    }
    ASSERT_EQ(storage_scan_next(scan, key, &renewal), 0);
    return n;
}

static void test_scan(const Storage *storage, const char *pem)
{
    int errors;

    ASSERT_EQ(count(storage, &errors), 0);
    ASSERT_EQ(errors, 0); /* the directory does not exist */
    add(storage, "one", pem);
    add(storage, "two", pem);
    test_write(storage->directory, "ab", "not a directory");
    ASSERT_EQ(count(storage, &errors), 2);
    ASSERT_EQ(errors, 0);
}

/* Besides "." and "..", the directory of the cache has two directories of entries and a file. */
static void test_unreadable(const Storage *storage)
{
    int errors, n, most = 0;

    for (int after = 0; after < 11; after++) {
        fault_readdir = EIO;
        fault_readdir_after = after;
        n = count(storage, &errors);
        ASSERT_EQ(errors, 1); /* it ends after one error */
        ASSERT_TRUE(n <= 2);
        most = n > most ? n : most;
    }
    ASSERT_EQ(most, 2);
    fault_readdir = 0;
    fault_readdir_after = 0;
    fault_fdopendir = EMFILE;
    ASSERT_EQ(count(storage, &errors), 0);
    ASSERT_EQ(errors, 1);
    ASSERT_EQ(count(storage, &errors), 2);
    ASSERT_EQ(errors, 0);
}

int main(void)
{
    _cleanup_test_directory_ char *path = test_directory_new();
    _cleanup_free_ char *directory = test_path(path, "cache");
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *pem = NULL;
    Storage storage = { .type = STORAGE_FILE, .directory = directory, .renew_within = 30 };

    pem = make_certificate(key, "DNS:a.example", 0, 90 * 86400L);
    test_scan(&storage, pem);
    test_unreadable(&storage);
    return 0;
}
