/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/account/account-label.h"

#include "test.h"

int main(void)
{
    char label[ACCOUNT_LABEL_LENGTH + 1];

    ASSERT_EQ(account_label(NULL, label), -EINVAL);
    /* The example of the draft. */
    ASSERT_OK(account_label("https://example.com/acme/acct/ExampleAccount", label));
    ASSERT_STREQ(label, "_ujmmovf2vn55tgye");
    return EXIT_SUCCESS;
}
