/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-subject.h"

#include "log/log.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

static char *join_sorted(const Csr *csr)
{
    _cleanup_strv_ char **sorted = csr_identifiers(csr);

    strv_sort(sorted);
    return sorted ? strv_join(sorted, " ") : NULL;
}

int order_subject_init(OrderSubject *subject, const OrderTarget *target, const void *body,
                       size_t size, Csr **csr)
{
    char *names = join_sorted(*csr), key[STORAGE_KEY_SIZE];
    int r = names ? storage_key(body, size, key) : -ENOMEM;

    if (r < 0) {
        free(names);
        return r;
    }
    *subject = (OrderSubject){
        .config = config_ref(target->config),
        .auth = target->auth,
        .storage = target->auth->storage,
        .csr = TAKE_PTR(*csr),
        .names = names,
    };
    memcpy(subject->key, key, sizeof(key));
    log_fields_add(&subject->log, LOG_FIELD_CSR, subject->key);
    log_fields_add(&subject->log, LOG_FIELD_AUTH, target->auth->name);
    log_fields_add_all(&subject->log, LOG_FIELD_NAME, subject->csr->names);
    log_fields_add_all(&subject->log, LOG_FIELD_NAME, subject->csr->addresses);
    return 0;
}

void order_subject_done(OrderSubject *subject)
{
    config_unref(subject->config);
    csr_free(subject->csr);
    free(subject->names);
    log_context_done(&subject->log);
}

void order_subject_add_client(OrderSubject *subject, const char *request_id, const char *client)
{
    if (subject->n_clients == ORDER_CLIENTS_NAMED)
        return;
    subject->n_clients++;
    log_fields_add(&subject->log, LOG_FIELD_REQUEST_ID, request_id);
    log_fields_add(&subject->log, LOG_FIELD_CLIENT, client);
}

bool order_subject_has_name(const OrderSubject *subject, const char *name)
{
    STRV_FOREACH (own, subject->csr->names)
        if (streq(dns_name_base(*own), name))
            return true;
    return false;
}
