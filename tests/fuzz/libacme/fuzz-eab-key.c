/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The external account that an administrator copies from the CA: eab-kid in the first line, then
 * the file with the HMAC key. The same bytes are the key in acmems.ini. */

#include <ctype.h>
#include <limits.h>

#include "input-file.h"
#include "libacme/account/external-account.h"
#include "libacme/account/registration.h"
#include "strings/encode.h"
#include "strings/text.h"

#define BLANKS       " \t\r\n"
#define KEY_SIZE_MAX ((size_t)4096)
/* Shorter keys may be words of a reason by chance. */
#define KEY_SIZE_SECRET ((size_t)40)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *account;
static json_t *directory;

static void make_account(void)
{
    if (account)
        return;
    directory = json_pack("{sss{sb}}", "newAccount", "https://ca.example/new-account", "meta",
                          "externalAccountRequired", 1);
    if (!directory || account_key_generate_ec(ACCOUNT_EC_DEFAULT, &account) < 0)
        abort();
}

/* Why there is no binding: one line, without the secret. */
static void explain(const ExternalAccount *external, const char *secret, int error)
{
    Failure failure = { 0 };

    external_account_explain(&failure, external, "acmems.ini", error);
    if (failure.status != 500 || !failure.reason ||
        (strlen(secret) >= KEY_SIZE_SECRET && strstr(failure.reason, secret)))
        abort();
    for (const char *c = failure.reason; *c; c++)
        if (iscntrl((unsigned char)*c))
            abort();
    failure_set_type(&failure, "unauthorized");
    external_account_suspect(&failure, external);
    failure_done(&failure);
}

static int bind_account(const ExternalAccount *external, const char *secret, json_t **ret)
{
    int r = external_account_bind(external, account, directory, ret);

    if (r < 0 ? !!*ret : r != 1 || !json_object_get(*ret, "signature"))
        abort();
    if (r < 0)
        explain(external, secret, r);
    return r;
}

/* The key in the only form that RFC 8555 §7.3.4 knows gives the same binding. */
static void check_strict(const ExternalAccount *external, const char *secret, const json_t *binding)
{
    _cleanup_free_ char *strict = NULL;
    ExternalAccount again = { .kid = external->kid };
    json_auto_t *other = NULL;
    uint8_t *bytes;
    size_t size;

    if (base64_decode_any(secret, strlen(secret), &bytes, &size) < 0 || size == 0)
        abort();
    again.hmac_key = strict = base64url_encode(bytes, size);
    if (!strict || bind_account(&again, strict, &other) < 0 || !json_equal(other, binding))
        abort();
    free(bytes);
}

static void check(char *kid, const char *file, size_t size)
{
    char path[PATH_MAX];
    /* The key without the byte order mark, and the blanks around it. */
    size_t mark = text_mark_size(file, size);
    const char *start = file + mark + strspn(file + mark, BLANKS);
    _cleanup_free_ char *secret = strndup(start, strcspn(start, BLANKS));
    ExternalAccount in_file = { .kid = kid, .hmac_key_file = path };
    ExternalAccount in_ini = { .kid = kid, .hmac_key = secret };
    json_auto_t *from_file = NULL, *from_ini = NULL;
    bool is_alone =
        secret &&
        (size_t)(start - file) + strlen(secret) + strspn(start + strlen(secret), BLANKS) == size;
    int r, s;

    if (!secret)
        return;
    (void)snprintf(path, sizeof(path), "%s/key", input_place());
    input_write("key", (const uint8_t *)file, size);
    r = bind_account(&in_file, secret, &from_file);
    s = bind_account(&in_ini, secret, &from_ini);
    if (size > KEY_SIZE_MAX         ? r != -EFBIG
        : text_is_utf16(file, size) ? r != -EILSEQ
                                    : r != (is_alone ? s : -EINVAL))
        abort();
    if (r < 0 && r != -EINVAL && r != -EFBIG && r != -EILSEQ)
        abort();
    if (r > 0 && !json_equal(from_file, from_ini))
        abort();
    if (s > 0)
        check_strict(&in_ini, secret, from_ini);
}

static void check_without_kid(void)
{
    const ExternalAccount none = { 0 };
    json_auto_t *binding = NULL, *lax = json_object();

    if (bind_account(&none, "", &binding) != -ENOKEY ||
        external_account_bind(&none, account, lax, &binding) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = malloc(size + 1);
    char *file;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    file = memchr(text, '\n', size);
    if (!file)
        return 0;
    *file++ = '\0';
    /* acmems.ini and acme-register refuse it. */
    if (!text_is_utf8(text))
        return 0;
    make_account();
    check_without_kid();
    check(text, file, size - (size_t)(file - text));
    return 0;
}
