/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/revocation.h"

#include "libacme/transport/problem.h"
#include "strings/encode.h"
#include "strings/strv.h"

/* RFC 5280 §5.3.1, without the reasons for CAs and delta CRLs. */
static const struct {
    const char *name;
    int code;
} reasons[] = {
    { "unspecified", 0 },          { "keyCompromise", REVOCATION_KEY_COMPROMISE },
    { "affiliationChanged", 3 },   { "superseded", 4 },
    { "cessationOfOperation", 5 }, { "privilegeWithdrawn", 9 },
};

int revocation_reason_from_string(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
        if (streq(reasons[i].name, name))
            return reasons[i].code;
    return -EINVAL;
}

char *revocation_reasons(void)
{
    const char *names[ELEMENTSOF(reasons) + 1] = { NULL };

    for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
        names[i] = reasons[i].name;
    return strv_join((char *const *)names, ", ");
}

int revocation_request(Session *session, const X509 *certificate, int reason, session_cb callback,
                       void *userdata, SessionCall **ret)
{
    json_auto_t *payload = NULL;
    _cleanup_free_ char *encoded = NULL;
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);

    if (size < 0)
        return -ENOMEM;
    encoded = base64url_encode(der, (size_t)size);
    OPENSSL_free(der);
    payload = encoded ? json_pack("{ss}", "certificate", encoded) : NULL;
    if (!payload)
        return -ENOMEM;
    if (reason != REVOCATION_NO_REASON &&
        json_object_set_new(payload, "reason", json_integer(reason)) < 0)
        return -ENOMEM;
    return session_post(session, &(SessionRequest){ .resource = "revokeCert", .payload = payload },
                        callback, userdata, ret);
}

static const struct {
    const char *type, *sentence;
} refusals[] = {
    { "badPublicKey", "The CA does not accept the key of this certificate." },
    { "badRevocationReason",
      "The CA does not accept this reason. Choose another one, or leave --reason out." },
    { "malformed", "The CA does not know this certificate, or cannot read it." },
    { "unauthorized",
      "The CA does not permit this account to revoke the certificate. Use the account that ordered "
      "it." },
};

void revocation_explain(Failure *failure, const json_t *problem)
{
    for (size_t i = 0; failure->problem && i < ELEMENTSOF(refusals); i++)
        if (streq(failure->problem, refusals[i].type)) {
            failure_reword(failure, "%s", refusals[i].sentence);
            failure_quote(failure, problem);
            return;
        }
}
