/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "register/show.h"

#include <stdio.h>

#include "libacme/account/account-label.h"
#include "libacme/account/registration.h"
#include "libacme/transport/jws.h"
#include "register/account.h"
#include "register/progress.h"
#include "strings/strv.h"
#include "strings/text.h"

/* RFC 8555 §8, RFC 8737 */
static const char *const methods[] = {
    [VERIFICATION_HTTP01] = "http-01",
    [VERIFICATION_DNS01_DNSUPDATE] = "dns-01",
    [VERIFICATION_TLSALPN01] = "tls-alpn-01",
};

static const char *method_of(const Verification *verification)
{
    return verification->account_label ? "dns-account-01" : methods[verification->type];
}

/* "http-01,dns-01": of all verifications in the configuration. NULL: out of memory. */
static char *list_methods(const Config *config)
{
    _cleanup_strv_ char **used = NULL;
    char *list = NULL;

    for (size_t i = 0; i < config->n_verifications; i++) {
        const char *method = method_of(config->verifications[i]);

        if (!strv_contains(used, method) && strv_extend(&used, method) < 0)
            return NULL;
    }
    for (char **method = used; method && *method; method++) {
        char *longer;

        if (asprintf(&longer, "%s%s%s", str_or(list, ""), list ? "," : "", *method) < 0)
            longer = NULL;
        free(list);
        list = longer;
        if (!list)
            return NULL;
    }
    return list ? list : strdup("");
}

static void print_caa(const Register *reg, const char *domain)
{
    _cleanup_free_ char *used = list_methods(reg->config);

    text_print_line(stdout, "CAA record: NAME. CAA 0 issue \"%s; accounturi=%s%s%s\"", domain,
                    registration_uri(reg->registration),
                    used && *used ? "; validationmethods=" : "", str_or(used, ""));
}

/* RFC 8555 §7.1.1: the names that the CA looks for in CAA records. */
static void print_all_caa(const Register *reg)
{
    const json_t *names = json_object_get(json_object_get(reg->directory, "meta"), "caaIdentities");
    const json_t *name;
    size_t i;

    json_array_foreach (names, i, name)
        if (json_is_string(name))
            print_caa(reg, json_string_value(name));
    if (json_array_size(names) == 0)
        print_caa(reg, "CA");
}

static void print_contacts(const Register *reg)
{
    const json_t *contact;
    size_t i;

    json_array_foreach (registration_contact(reg->registration), i, contact)
        if (json_is_string(contact))
            text_print_line(stdout, "Contact: %s", json_string_value(contact));
}

/* For a CNAME record, before the first certificate is ordered. */
static void print_label(const Register *reg)
{
    char label[ACCOUNT_LABEL_LENGTH + 1];

    if (account_label(registration_uri(reg->registration), label) >= 0)
        text_print_line(stdout, "dns-account-01: %s._acme-challenge.NAME", label);
}

void register_print(const Register *reg, bool is_confirmed)
{
    _cleanup_free_ char *thumbprint = NULL;

    if (!registration_uri(reg->registration))
        return;
    if (jwk_thumbprint(reg->key, &thumbprint) < 0)
        thumbprint = NULL;
    text_print_line(stdout, "CA: %s", reg->account->server);
    text_print_line(stdout, "Account: %s", registration_uri(reg->registration));
    text_print_line(stdout, "Key thumbprint: %s", str_or(thumbprint, "?"));
    text_print_line(stdout, "Status: %s%s", str_or(registration_status(reg->registration), "valid"),
                    is_confirmed ? "" : " when the CA last confirmed it");
    print_contacts(reg);
    print_label(reg);
    print_all_caa(reg);
}

int register_show(Register *reg)
{
    int r = register_refresh(reg);

    /* A status that is not "valid" is a failure, too. */
    register_print(reg, r >= 0 || r == -EKEYREVOKED);
    return r;
}
