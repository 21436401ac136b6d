/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/macro.h"
#include "libacme/account/account-files.h"
#include "statedir/account/account-dir.h"

/* A number with commas between its groups of three digits: up to 2^64. */
#define NUMBER_SIZE 32
/* A path in a status is cut rather than the rest of it. */
#define ARGUMENT_SIZE 128

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

/* For acmemsctl check: " FILE", or "" for the file that it reads without an argument. */
static const char *file_argument(const Config *config, char buf[ARGUMENT_SIZE])
{
    bool is_default = !config->path || streq(config->path, CONFIG_FILE_DEFAULT);

    (void)snprintf(buf, ARGUMENT_SIZE, "%s%s", is_default ? "" : " ",
                   is_default ? "" : config->path);
    return buf;
}

/* acmemsctl does not see the credentials of the service. */
static void append_unusable_key(char buf[STATUS_SIZE], const Config *config,
                                const AccountBlock *account, const char *why)
{
    char argument[ARGUMENT_SIZE];

    if (account_key_is_credential())
        append(buf, "unusable account key in the credential %s: %s; ", ACCOUNT_KEY_FILE, why);
    else
        append(buf, "unusable account key at %.100s: run acmemsctl check%s; ", account->server,
               file_argument(config, argument));
}

const char *status_describe_trouble(const Config *config, bool is_broken, char buf[STATUS_SIZE])
{
    char why[ACCOUNT_KEY_WHY_SIZE], argument[ARGUMENT_SIZE];

    *buf = '\0';
    if (is_broken)
        append(buf, "the changed configuration has errors: run acmemsctl check%s; ",
               file_argument(config, argument));
    for (size_t i = 0; i < config->n_accounts; i++) {
        const AccountBlock *account = config->accounts[i];

        if (!config_uses_account(config, account))
            continue;
        if (account_key_is_unusable(account, why)) {
            append_unusable_key(buf, config, account, why);
            break;
        }
        if (account_is_missing(account)) {
            append(buf, "no account at %.100s: run acme-register; ", account->server);
            break;
        }
    }
    return buf;
}
