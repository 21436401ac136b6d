/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "orders/order-subject.h"

#include "log/log.h"
#include "statedir/order-record.h"
#include "strings/strv.h"
#include "x509/dns-name.h"

static char *join_sorted(const Csr *csr)
{
    _cleanup_strv_ char **sorted = csr_identifiers(csr);

    strv_sort(sorted);
    return sorted ? strv_join(sorted, " ") : NULL;
}

int order_subject_init(OrderSubject *subject, Config *config, SignRequest *request,
                       const char *body)
{
    char *names = join_sorted(request->csr);

    if (!names)
        return -ENOMEM;
    *subject = (OrderSubject){
        .config = config_ref(config),
        .storage = request->auth->storage,
        .names = names,
    };
    sign_request_move(request, body, &subject->request);
    log_fields_add(&subject->log, LOG_FIELD_CSR, subject->request.key);
    log_fields_add(&subject->log, LOG_FIELD_AUTH, subject->request.auth->name);
    log_fields_add_all(&subject->log, LOG_FIELD_NAME, subject->request.csr->names);
    log_fields_add_all(&subject->log, LOG_FIELD_NAME, subject->request.csr->addresses);
    return 0;
}

void order_subject_done(OrderSubject *subject)
{
    config_unref(subject->config);
    sign_request_done(&subject->request);
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
    STRV_FOREACH (own, subject->request.csr->names)
        if (streq(dns_name_base(*own), name))
            return true;
    return false;
}

void order_forget(const char *state_directory, const char *key)
{
    int r = order_record_remove(state_directory, key);

    if (r < 0)
        log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r,
                        "Failed to remove the file of order %s from '%s': %m", key,
                        state_directory);
}
