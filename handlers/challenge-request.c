/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "challenge-request.h"

#include <fcntl.h>

#include "base/macro.h"
#include "log/log.h"
#include "statedir/challenges/challenge.h"

/* Opens the directory for each request: it may appear, vanish or be replaced while this runs. */
static int read_challenge(const char *directory, const char *token, char **ret, size_t *ret_size)
{
    _cleanup_close_ int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (dir_fd < 0)
        return errno == ENOENT ? CHALLENGE_NOT_FOUND : -errno;
    return challenge_read(dir_fd, token, ret, ret_size);
}

void challenge_request(HttpExchange *exchange, void *userdata)
{
    const char *directory = userdata;
    const char *token = http_path(exchange) + STRLEN(CHALLENGE_REQUEST_PREFIX);
    char peer[INET6_ADDRSTRLEN];
    _cleanup_free_ char *key_authorization = NULL;
    size_t size = 0;
    int r = read_challenge(directory, token, &key_authorization, &size);

    (void)socket_address_format(http_peer(exchange), peer);
    if (r < 0) {
        log_event_errno(LOG_EVENT_CHALLENGE_UNREADABLE, r,
                        "Failed to read the challenge for token %s in '%s': %m", token, directory);
        http_reply_error(exchange, 500, 0,
                         "The server failed to read the challenge. The server's journal says why.");
    } else if (r == CHALLENGE_NOT_FOUND) {
        log_debug("There is no challenge for token %s, which %s requested", token, peer);
        http_reply_error(exchange, 404, 0,
                         "There is no challenge for this token. It may have been removed, or the "
                         "request may have reached the wrong server.");
    } else {
        log_debug("Sent the challenge for token %s to %s", token, peer);
        http_reply(exchange, &(HttpResponse){ .status = 200,
                                              .type = "application/octet-stream",
                                              .body = key_authorization,
                                              .size = size });
    }
}

void challenge_request_refused(HttpExchange *exchange, int status, const char *reason,
                               _unused_ void *userdata)
{
    char peer[INET6_ADDRSTRLEN];

    log_debug("Refused %s of '%s' from %s with status %d: %s", http_method(exchange),
              http_path(exchange), socket_address_format(http_peer(exchange), peer), status,
              reason);
}
