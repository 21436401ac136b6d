/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/macro.h"
#include "libacme/account/account-files.h"

/* A number with commas between its groups of three digits: up to 2^64. */
#define NUMBER_SIZE 32

static const char *format_number(size_t number, char buf[NUMBER_SIZE])
{
    char digits[NUMBER_SIZE];
    int n = snprintf(digits, sizeof(digits), "%zu", number);
    char *p = buf;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    *p = '\0';
    return buf;
}

_printf_(2, 3) static void append(char buf[STATUS_SIZE], const char *format, ...)
{
    size_t length = strlen(buf);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(buf + length, STATUS_SIZE - length, format, arguments);
    va_end(arguments);
}

static void append_count(char buf[STATUS_SIZE], size_t n, const char *one, const char *many)
{
    char number[NUMBER_SIZE];

    append(buf, "%s %s", format_number(n, number), n == 1 ? one : many);
}

const char *status_describe(size_t n_orders, const InventoryCount *count, char buf[STATUS_SIZE])
{
    char number[NUMBER_SIZE], time[32];
    struct tm tm;

    *buf = '\0';
    append_count(buf, n_orders, "order in progress; ", "orders in progress; ");
    if (count->is_first) {
        append(buf, "counting certificates");
        return buf;
    }
    append_count(buf, count->certificates, "certificate", "certificates");
    if (count->due > 0)
        append(buf, ", %s of them due", format_number(count->due, number));
    if (count->next_renewal != 0 && gmtime_r(&count->next_renewal, &tm) &&
        strftime(time, sizeof(time), "%Y-%m-%d %H:%M UTC", &tm) > 0)
        append(buf, "; next renewal %s", time);
    return buf;
}

const char *status_describe_trouble(const Config *config, bool is_broken, char buf[STATUS_SIZE])
{
    char why[ACCOUNT_KEY_WHY_SIZE];

    *buf = '\0';
    if (is_broken)
        append(buf, "the changed configuration has errors: run acmemsctl check; ");
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];

        if (!config_uses_account(config, account))
            continue;
        if (account_key_is_unusable(account, why)) {
            append(buf, "unusable account key at %.100s: run acmemsctl check; ", account->server);
            break;
        }
        if (account_is_missing(account)) {
            append(buf, "no account at %.100s: run acme-register; ", account->server);
            break;
        }
    }
    return buf;
}
