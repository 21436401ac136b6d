/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log/log-fields.h"

#include "strings/strv.h"
#include "test.h"

static void test_add(void)
{
    char a[] = "a.example.org", b[] = "b.example.org", *const names[] = { a, b, NULL };
    _cleanup_log_fields_ LogFields fields = { 0 };
    _cleanup_free_ char *all = NULL;

    log_fields_add(&fields, LOG_FIELD_CLIENT, "192.0.2.7");
    log_fields_add(&fields, LOG_FIELD_CLIENT, "192.0.2.7");
    log_fields_add(&fields, LOG_FIELD_AUTH, NULL);
    log_fields_add(&fields, LOG_FIELD_REASON, "two\nlines\x1b[2J");
    log_fields_add_all(&fields, LOG_FIELD_NAME, names);
    log_fields_add_all(&fields, LOG_FIELD_NAME, NULL);
    log_fields_add_status(&fields, 0);
    log_fields_add_status(&fields, 403);
    all = strv_join(fields.lines, "|");
    ASSERT_STREQ(all, "ACMEMS_CLIENT=192.0.2.7|ACMEMS_REASON=two lines [2J|"
                      "ACMEMS_NAME=a.example.org|ACMEMS_NAME=b.example.org|ACMEMS_STATUS=403");
    ASSERT_STREQ(log_fields_get(&fields, LOG_FIELD_NAME), "a.example.org");
    ASSERT_TRUE(!log_fields_get(&fields, LOG_FIELD_AUTH));
}

static void test_bounds(void)
{
    _cleanup_log_fields_ LogFields fields = { 0 };
    char text[2 * LOG_FIELD_VALUE_SIZE_MAX];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_fields_add(&fields, LOG_FIELD_REASON, text);
    ASSERT_EQ(strlen(log_fields_get(&fields, LOG_FIELD_REASON)), LOG_FIELD_VALUE_SIZE_MAX);
    for (unsigned i = 0; i < 2 * LOG_FIELDS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "%u", i);
        log_fields_add(&fields, LOG_FIELD_NAME, text);
    }
    ASSERT_EQ(strv_length(fields.lines), LOG_FIELDS_MAX);
}

int main(void)
{
    test_add();
    test_bounds();
    return EXIT_SUCCESS;
}
