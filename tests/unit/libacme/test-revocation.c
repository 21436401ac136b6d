/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/revocation.h"

#include "test.h"

/* At revokeCert, some types are about the certificate, and not about the account. */
static void test_explanations(void)
{
    static const struct {
        const char *type, *reason;
    } table[] = {
        { "badRevocationReason", "The CA does not accept this reason. Choose another one, or leave "
                                 "--reason out. The CA said: badRevocationReason: No." },
        { "unauthorized", "The CA does not permit this account to revoke the certificate. Use the "
                          "account that ordered it. The CA said: unauthorized: No." },
        { "malformed", "The CA does not know this certificate, or cannot read it. The CA said: "
                       "malformed: No." },
        { "alreadyRevoked",
          "The certificate is already revoked. The CA said: alreadyRevoked: No." },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        json_auto_t *problem = json_pack("{ssss}", "type", table[i].type, "detail", "No.");
        Failure failure = { 0 };

        failure_set_problem(&failure, problem, 0);
        revocation_explain(&failure, problem);
        ASSERT_STREQ(failure.reason, table[i].reason);
        failure_done(&failure);
    }
}

int main(void)
{
    _cleanup_free_ char *all = revocation_reasons();

    /* RFC 5280 §5.3.1 */
    ASSERT_EQ(revocation_reason_from_string("unspecified"), 0);
    ASSERT_EQ(revocation_reason_from_string("keyCompromise"), 1);
    ASSERT_EQ(revocation_reason_from_string("affiliationChanged"), 3);
    ASSERT_EQ(revocation_reason_from_string("superseded"), 4);
    ASSERT_EQ(revocation_reason_from_string("cessationOfOperation"), 5);
    ASSERT_EQ(revocation_reason_from_string("privilegeWithdrawn"), 9);
    ASSERT_EQ(revocation_reason_from_string("keycompromise"), -EINVAL);
    ASSERT_EQ(revocation_reason_from_string("removeFromCRL"), -EINVAL);
    ASSERT_EQ(revocation_reason_from_string(""), -EINVAL);
    ASSERT_STREQ(all, "unspecified, keyCompromise, affiliationChanged, superseded, "
                      "cessationOfOperation, privilegeWithdrawn");
    test_explanations();
    return 0;
}
