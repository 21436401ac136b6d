/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/rate-limit.h"

#include "strings/strv.h"
#include "x509/dns-name.h"

/* Phrases of Let's Encrypt. The first one found decides. */
static const struct {
    const char *words;
    PauseKind kind;
} scopes[] = {
    { "exact set of", PAUSE_NAMES },
    { "failed authorizations", PAUSE_NAME },
    { "already issued for", PAUSE_DOMAIN },
    { "new orders", PAUSE_ACCOUNT },
    { "pending authorizations", PAUSE_ACCOUNT },
    { "new registrations", PAUSE_ACCOUNT },
    { "service busy", PAUSE_SERVER },
};

/* True for "example.org" and "www.example.org", but not for "org". */
static bool is_domain_of(const char *domain, const char *name)
{
    return strchr(domain, '.') && dns_name_is_below(name, domain);
}

static bool is_known(const char *quoted, PauseKind kind, char *const *names)
{
    STRV_FOREACH (name, names) {
        const char *base = dns_name_base(*name);

        if (streq(quoted, base) || (kind == PAUSE_DOMAIN && is_domain_of(quoted, base)))
            return true;
    }
    return false;
}

/* Collects the known names among the quoted words. */
static int collect(const char *said, PauseKind kind, char *const *names, char ***ret)
{
    const char *begin, *end;

    for (; (begin = strchr(said, '"')) && (end = strchr(begin + 1, '"')); said = end + 1) {
        size_t length = (size_t)(end - begin) - 1;
        char quoted[DNS_NAME_MAX + 1];

        if (length > DNS_NAME_MAX)
            continue;
        memcpy(quoted, begin + 1, length);
        quoted[length] = '\0';
        dns_name_fold(quoted);
        if (is_known(quoted, kind, names) && !strv_contains(*ret, quoted) &&
            strv_extend(ret, quoted) < 0)
            return -ENOMEM;
    }
    return 0;
}

static PauseKind find_scope(const char *said)
{
    for (size_t i = 0; i < ELEMENTSOF(scopes); i++)
        if (strcasestr(said, scopes[i].words))
            return scopes[i].kind;
    return PAUSE_NAMES;
}

int rate_limit_scope(const char *said, char *const *names, char ***ret_names)
{
    PauseKind kind = find_scope(said);
    _cleanup_strv_ char **quoted = NULL;

    if (kind == PAUSE_DOMAIN || kind == PAUSE_NAME) {
        int r = collect(said, kind, names, &quoted);

        if (r < 0)
            return r;
        if (!quoted)
            kind = PAUSE_NAMES;
    }
    *ret_names = TAKE_PTR(quoted);
    return (int)kind;
}

#define WORDS "retry after "

unsigned rate_limit_left(const char *said, time_t now)
{
    const char *begin = strcasestr(said, WORDS);
    struct tm tm = { 0 };
    time_t until;

    if (!begin)
        return 0;
    begin += STRLEN(WORDS);
    if (!strptime(begin, "%Y-%m-%d %H:%M:%S", &tm) && !strptime(begin, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return 0;
    until = timegm(&tm);
    if (until <= now)
        return 0;
    return until - now > PAUSE_MAX ? PAUSE_MAX : (unsigned)(until - now);
}
