/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/revocation.h"

#include "test.h"

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
    return 0;
}
