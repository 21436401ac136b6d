/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the certificate that the CA sends leads to, and where it is stored. */

#include "orders/order-finish.h"

#include "order-bed.h"
#include "statedir/revoked-key.h"
#include "statedir/storage/cache.h"
#include "test-logged.h"

#define CHAIN_AT(url)                                                                              \
    {                                                                                              \
        "finalize/1", 200, "{'status': 'valid', 'certificate': '@certificate/" url "'}"            \
    }
#define OTHER_ROOT "preferred-chain = Other Root\n"

static const BedCase cases[] = {
    { "stored", { { 0 } }, SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "kept in the order's file",
      { { 0 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      .config = "storage = nowhere\n",
      .is_kept = true },
    { "of another key",
      { CHAIN_AT("3") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/3 as application/pem-certificate-chain\n"
      "end 503, retry 3600: The CA did not send the certificate that was ordered: the certificate "
      "has a different key than the request. Try again later.\n" },
    { "for another name",
      { CHAIN_AT("4") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/4 as application/pem-certificate-chain\n"
      "end 503, retry 3600: The CA did not send the certificate that was ordered: the certificate "
      "lacks a requested name. Try again "
      "later.\n" },
    { "garbage",
      { CHAIN_AT("5"), { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/5 as application/pem-certificate-chain\n"
      "pause 503, retry 3600: The CA did not send the certificate that was ordered: it contains a "
      "certificate that cannot be decoded. Try "
      "again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "another type",
      { { "certificate/1", 200, NULL, .type = "text/plain" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
    { "the CA is away",
      { { "certificate/1", 0 },
        { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "pause 503, retry 60: The CA cannot be reached: Connection refused. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "the certificate is gone",
      { { "certificate/1", 404, CA_PROBLEM("malformed") } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "end 503, retry 60: The CA rejected the request for the certificate: it does not know the "
      "URL, which it gave before. Try again later. The CA said: malformed: No.\n" },
    { "a page in place of the chain",
      { { "certificate/1", 200, "<html>Sign in</html>", .type = "text/html" },
        { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "pause 503, retry 3600: The CA sent text/html in place of the certificate chain. Try again "
      "later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "an answer without a certificate",
      { { "certificate/1", 202, "" },
        { "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}" } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "pause 503, retry 3600: The CA did not send the certificate that was ordered: the answer is "
      "not a chain of PEM certificates. Try again later.\n"
      "wait 1 s\n"
      "order/1\n" SEEN_ISSUED },
    { "the preferred root at once",
      { CHAIN_AT("2") },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/2 as application/pem-certificate-chain\n"
      "issued\n",
      .account = OTHER_ROOT },
    { "the preferred root is the second one",
      { { "certificate/1", 200, NULL,
          .alternates = { "@certificate/4", "@certificate/2", "@certificate/5" } } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "certificate/4 as application/pem-certificate-chain\n"
      "certificate/2 as application/pem-certificate-chain\n"
      "issued\n",
      .account = OTHER_ROOT },
    { "the preferred root is not offered",
      { { "certificate/1", 200, NULL,
          .alternates = { "@certificate/3", "@certificate/5", "@certificate/9" } },
        { "certificate/9", 0 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
      "certificate/1 as application/pem-certificate-chain\n"
      "certificate/3 as application/pem-certificate-chain\n"
      "certificate/5 as application/pem-certificate-chain\n"
      "certificate/9 as application/pem-certificate-chain\n"
      "issued\n",
      .account = OTHER_ROOT },
    { "no root is offered",
      { { 0 } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
      .account = OTHER_ROOT },
    { "alternates that nobody wants",
      { { "certificate/1", 200, NULL, .alternates = { "@certificate/2" } } },
      SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED },
};

static bool has_stored(const Bed *b, const char *root)
{
    _cleanup_(sign_request_done) SignRequest request = bed_request(b);
    _cleanup_(chain_freep) Chain *chain = NULL;
    const char *why;

    if (storage_lookup(b->config->storages[0], &request, &chain, &why) != STORAGE_HIT)
        return false;
    ASSERT_TRUE(chain_leads_to(chain, root));
    return true;
}

/* What is stored is what the CA sent. */
static void test_stored(void)
{
    static const BedCase c = { "stored",
                               { { "certificate/1", 200, NULL,
                                   .alternates = { "@certificate/2" } } },
                               SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                               "certificate/1 as application/pem-certificate-chain\n"
                               "certificate/2 as application/pem-certificate-chain\nissued\n",
                               .account = OTHER_ROOT };
    Bed b;

    bed_open_case(&b, &c);
    ASSERT_FALSE(has_stored(&b, NULL));
    bed_order(&b);
    clock_run(b.event, &b.is_over, bed_until(&c));
    ASSERT_TRUE(has_stored(&b, "Other Root"));
    bed_end_case(&b, &c);
}

/* A storage that cannot be written: the chain stays in the file of the order. */
static void test_not_stored(void)
{
    static const BedCase c = { "not stored",
                               { { 0 } },
                               SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_ISSUED,
                               .is_kept = true };
    _cleanup_free_ char *storage = NULL, *aside = NULL;
    Bed b;

    bed_open_case(&b, &c);
    bed_order(&b);
    clock_run(b.event, &b.is_over, now_monotonic()); /* until the CA validates */
    storage = test_path(b.directory, "storage");
    aside = test_path(b.directory, "aside");
    ASSERT_OK(rename(storage, aside));
    test_write(b.directory, "storage", "no directory");
    clock_run(b.event, &b.is_over, bed_until(&c));
    bed_end_case(&b, &c);
}

#define PAGE                                                                                       \
    {                                                                                              \
        "certificate/1", 200, "<html>Sign in</html>", .type = "text/html"                          \
    }
#define AGAIN                                                                                      \
    {                                                                                              \
        "order/1", 200, "{'status': 'valid', 'certificate': '@certificate/1'}"                     \
    }

#define SEEN_PAGE                                                                                  \
    "certificate/1 as application/pem-certificate-chain\n"                                         \
    "pause 503, retry 3600: The CA sent text/html in place of the certificate chain. Try again "   \
    "later.\n"

/* The journal says once why the chain cannot be used. */
static void test_logged_once(void)
{
    static const BedCase c = { "a page in place of the chain, again and again",
                               { PAGE, AGAIN, PAGE, AGAIN, PAGE, AGAIN },
                               SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED SEEN_PAGE
                               "wait 1 s\norder/1\n" SEEN_PAGE "wait 2 s\norder/1\n" SEEN_PAGE
                               "wait 4 s\norder/1\n" SEEN_ISSUED };
    _cleanup_test_directory_ char *directory = test_directory_new();

    ASSERT_OK(chdir(directory));
    logged_open("acmems");
    bed_run_case(&c);
    ASSERT_EQ(logged("The certificate for a.example.org cannot be used"), 1);
    logged_close();
}

/* A key can become known as compromised while its order runs. It gets no certificate. */
static void test_revoked(const BedCase *c, usec_t until)
{
    Bed b;

    bed_open_case(&b, c);
    bed_order(&b);
    clock_run(b.event, &b.is_over, now_monotonic() + until);
    trace_add("revoked");
    ASSERT_OK(revoked_key_save(b.config->state_directory, b.key, "01", time(NULL)));
    clock_run(b.event, &b.is_over, bed_until(c));
    ASSERT_FALSE(has_stored(&b, NULL));
    bed_end_case(&b, c);
}

int main(void)
{
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        bed_run_case(&cases[i]);
    test_stored();
    test_not_stored();
    test_logged_once();
    test_revoked(
        &(const BedCase){ "before the CSR is sent",
                          { { 0 } },
                          SEEN_PLACED
                          "authz/1\n"
                          "challenge/1 {} (published)\n"
                          "revoked\n"
                          "wait 0.1 s\n"
                          "authz/1\n"
                          "end 415: A certificate with this key was revoked because the key is "
                          "compromised. Create a new key, and make the CSR with it.\n" },
        0);
    test_revoked(
        &(const BedCase){ "while the CA works",
                          { { "finalize/1", 200, "{'status': 'processing'}", .retry_after = 9 } },
                          SEEN_PLACED SEEN_VALIDATED SEEN_FINALIZED
                          "revoked\n"
                          "wait 9 s\n"
                          "end 415: A certificate with this key was revoked because the key is "
                          "compromised. Create a new key, and make the CSR with it.\n" },
        USEC_PER_SEC);
    return EXIT_SUCCESS;
}
