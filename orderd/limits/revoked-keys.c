/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/revoked-keys.h"

#include "log/log.h"
#include "statedir/revoked-key.h"

bool revoked_keys_allow(const char *state_directory, const Csr *csr, Failure *ret)
{
    int r = revoked_key_is_known(state_directory, csr_key(csr));

    if (r == 0)
        return true;
    if (r > 0) {
        failure_set(ret, LOG_EVENT_ORDER_FAILED_HERE, 415, 0, "%s", REVOKED_KEY_SENTENCE);
        return false;
    }
    log_event_errno(LOG_EVENT_STATE_NOT_WRITTEN, r, "Failed to read the revoked keys in '%s': %m",
                    state_directory);
    failure_set(ret, LOG_EVENT_ORDER_FAILED_HERE, 500, 0,
                "The server failed to read its state directory. The server's journal says why.");
    ret->passing = true;
    return false;
}
