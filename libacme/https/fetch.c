/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "libacme/https/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "event/timer.h"
#include "libacme/https/fetch-error.h"
#include "libacme/https/link.h"
#include "libacme/https/url.h"
#include "strings/strv.h"

#define FETCH_CONNECT_TIMEOUT_MS 10000L
#define FETCH_TIMEOUT_MS         30000L
/* The requests that run at the same time, each on a connection of its own unless the server has
 * HTTP/2. The others wait here and not in libcurl, where their time limits would already run. */
#define FETCH_RUNNING_MAX   16L
#define FETCH_REDIRECTS_MAX 3L

struct Fetcher {
    unsigned n_ref; /* also held while callbacks run: one of them may free the pool */
    sd_event *event;
    CURLM *multi;
    sd_event_source *timer;
    char *ca_file, *proxy;
    TAILQ_HEAD(, Fetch) fetches; /* in the order of their start: some run, the later ones wait */
    long n_running;
};

struct Fetch {
    Fetcher *fetcher;
    TAILQ_ENTRY(Fetch) list;
    bool running; /* libcurl has it */
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    char *received;
    size_t n_received;
    bool too_large;
    char error[CURL_ERROR_SIZE];
    fetch_cb callback;
    void *userdata;
};

static Fetch *first_waiting(const Fetcher *fetcher)
{
    Fetch *fetch;

    TAILQ_FOREACH (fetch, &fetcher->fetches, list)
        if (!fetch->running)
            return fetch;
    return NULL;
}

static void fetch_detach(Fetch *fetch)
{
    Fetcher *fetcher = fetch->fetcher;

    if (!fetcher)
        return;
    TAILQ_REMOVE(&fetcher->fetches, fetch, list);
    fetch->fetcher = NULL;
    if (!fetch->running)
        return;
    (void)curl_multi_remove_handle(fetcher->multi, fetch->easy);
    fetcher->n_running--;
    /* fetcher_act() starts the next one. */
    if (first_waiting(fetcher))
        (void)timer_arm(fetcher->timer, 0);
}

static CURLMcode fetch_run(Fetch *fetch)
{
    CURLMcode code = curl_multi_add_handle(fetch->fetcher->multi, fetch->easy);

    if (code == CURLM_OK) {
        fetch->running = true;
        fetch->fetcher->n_running++;
    }
    return code;
}

static Fetch *fetch_free(Fetch *fetch)
{
    fetch_detach(fetch);
    if (fetch->easy)
        curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    free(fetch->body);
    free(fetch->received);
    free(fetch);
    return NULL;
}

DEFINE_CLEANUP_FUNC(Fetch *, fetch_free)

Fetch *fetch_cancel(Fetch *fetch)
{
    return fetch ? fetch_free(fetch) : NULL;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
    Fetch *fetch = userdata;
    size_t more = size * n;
    char *p;

    if (more > FETCH_BODY_SIZE_MAX - fetch->n_received) {
        fetch->too_large = true;
        return 0;
    }
    p = realloc(fetch->received, fetch->n_received + more + 1);
    if (!p)
        return 0;
    memcpy(p + fetch->n_received, data, more);
    fetch->received = p;
    fetch->n_received += more;
    p[fetch->n_received] = '\0';
    return more;
}

/* Alternates are optional: leave out those that there is no memory for. */
static char **answer_alternates(CURL *easy, const char *base)
{
    const LinkWish wish = { .relation = "alternate", .base = base, .max = FETCH_ALTERNATES_MAX };
    struct curl_header *header;
    char **urls = NULL;

    for (size_t i = 0; curl_easy_header(easy, "Link", i, CURLH_HEADER, -1, &header) == CURLHE_OK;
         i++)
        if (link_add_targets(header->value, &wish, &urls) < 0)
            break;
    return urls;
}

/* Passes the result on and frees the fetch. The callback may start and cancel other fetches, or
 * free the pool. */
static void fetch_finish(Fetch *fetch, CURLcode code)
{
    _cleanup_strv_ char **alternates = NULL;
    _cleanup_free_ char *type = NULL, *location = NULL;
    FetchResult result = { .body = str_or(fetch->received, ""), .size = fetch->n_received };
    _cleanup_free_ char *told = NULL;
    const FetchAttempt attempt = {
        .easy = fetch->easy,
        .code = code,
        .text = fetch->error[0] ? fetch->error : curl_easy_strerror(code),
        .ca_file = fetch->fetcher->ca_file,
        .proxy = fetch->fetcher->proxy,
    };
    curl_off_t retry_after = 0;
    const char *header, *base = fetch_effective_url(fetch->easy);

    result.error = fetch_error(&attempt, &told);
    if (code != CURLE_OK)
        result.error_text = str_or(told, attempt.text);
    if (fetch->too_large) {
        result.error = -EFBIG;
        result.error_text = "it is too large";
    }
    fetch_detach(fetch);

    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &result.status);
    if (curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
        retry_after > 0)
        result.retry_after = retry_after > 7 * 86400 ? 7 * 86400 : (unsigned)retry_after;

    header = fetch_header(fetch->easy, "Content-Type");
    type = header ? strndup(header, strcspn(header, "; \t")) : NULL;
    result.content_type = str_or(type, "");
    header = fetch_header(fetch->easy, "Location");
    location = header ? url_resolve(base, header) : NULL;
    result.location = location;
    result.redirect = result.status >= 300 && result.status <= 399 ? header : NULL;
    result.replay_nonce = fetch_header(fetch->easy, "Replay-Nonce");
    alternates = answer_alternates(fetch->easy, base);
    result.alternates = alternates;

    fetch->callback(&result, fetch->userdata);
    fetch_free(fetch);
}

static void run_waiting(Fetcher *fetcher)
{
    Fetch *fetch;

    while (fetcher->n_running < FETCH_RUNNING_MAX && (fetch = first_waiting(fetcher)))
        if (fetch_run(fetch) != CURLM_OK)
            fetch_finish(fetch, CURLE_OUT_OF_MEMORY);
}

static void fetcher_act(Fetcher *fetcher, curl_socket_t fd, int action)
{
    CURLMsg *message;
    int left, running;

    fetcher->n_ref++;
    (void)curl_multi_socket_action(fetcher->multi, fd, action, &running);

    while ((message = curl_multi_info_read(fetcher->multi, &left))) {
        Fetch *fetch = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch) == CURLE_OK && fetch)
            fetch_finish(fetch, message->data.result);
    }
    run_waiting(fetcher);
    fetcher_unref(fetcher);
}

static int fetcher_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    Fetcher *fetcher = userdata;
    int action = 0;

    (void)source;
    if (revents & (EPOLLIN | EPOLLHUP))
        action |= CURL_CSELECT_IN;
    if (revents & (EPOLLOUT | EPOLLHUP))
        action |= CURL_CSELECT_OUT;
    if (revents & EPOLLERR)
        action |= CURL_CSELECT_ERR;

    fetcher_act(fetcher, fd, action);
    return 0;
}

static int fetcher_on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    (void)source;
    (void)usec;
    fetcher_act(userdata, CURL_SOCKET_TIMEOUT, 0);
    return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
    static const uint32_t events[] = {
        [CURL_POLL_NONE] = 0,
        [CURL_POLL_IN] = EPOLLIN,
        [CURL_POLL_OUT] = EPOLLOUT,
        [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
    };
    Fetcher *fetcher = userdata;
    sd_event_source *source = socket_data;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        sd_event_source_disable_unref(source);
        (void)curl_multi_assign(fetcher->multi, fd, NULL);
        return 0;
    }
    if (source)
        return sd_event_source_set_io_events(source, events[what]) < 0 ? -1 : 0;
    if (sd_event_add_io(fetcher->event, &source, fd, events[what], fetcher_on_io, fetcher) < 0)
        return -1;
    (void)curl_multi_assign(fetcher->multi, fd, source);
    return 0;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *userdata)
{
    Fetcher *fetcher = userdata;

    (void)multi;
    if (timeout_ms < 0)
        return timer_disarm(fetcher->timer) < 0 ? -1 : 0;
    return timer_arm(fetcher->timer, (usec_t)timeout_ms * USEC_PER_MSEC) < 0 ? -1 : 0;
}

Fetcher *fetcher_unref(Fetcher *fetcher)
{
    if (!fetcher || --fetcher->n_ref > 0)
        return NULL;
    while (!TAILQ_EMPTY(&fetcher->fetches))
        fetch_free(TAILQ_FIRST(&fetcher->fetches));
    if (fetcher->multi)
        (void)curl_multi_cleanup(fetcher->multi);
    sd_event_source_disable_unref(fetcher->timer);
    sd_event_unref(fetcher->event);
    free(fetcher->ca_file);
    free(fetcher->proxy);
    free(fetcher);
    return NULL;
}

/* NULL stays NULL. */
static int copy_text(const char *text, char **ret)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

int fetcher_new(sd_event *event, const FetchRoute *route, Fetcher **ret)
{
    _cleanup_(fetcher_unrefp) Fetcher *fetcher = NULL;
    int r;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return -EIO;
    fetcher = calloc(1, sizeof(*fetcher));
    if (!fetcher)
        return -ENOMEM;
    fetcher->n_ref = 1;
    TAILQ_INIT(&fetcher->fetches);
    fetcher->event = sd_event_ref(event);
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi)
        return -ENOMEM;
    r = copy_text(route->ca_file, &fetcher->ca_file);
    if (r >= 0)
        r = copy_text(route->proxy, &fetcher->proxy);
    if (r >= 0)
        r = timer_new(event, fetcher_on_timer, fetcher, &fetcher->timer);
    if (r < 0)
        return r;

    if (curl_multi_setopt(fetcher->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, FETCH_RUNNING_MAX) !=
            CURLM_OK ||
        curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket) != CURLM_OK ||
        curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher) != CURLM_OK ||
        curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer) != CURLM_OK ||
        curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher) != CURLM_OK)
        return -EIO;

    *ret = TAKE_PTR(fetcher);
    return 0;
}

static int fetch_add_header(Fetch *fetch, const char *name, const char *value)
{
    _cleanup_free_ char *line = NULL;
    struct curl_slist *more;

    if (asprintf(&line, "%s: %s", name, value) < 0) {
        line = NULL;
        return -ENOMEM;
    }
    more = curl_slist_append(fetch->headers, line);
    if (!more)
        return -ENOMEM;
    fetch->headers = more;
    return 0;
}

static bool fetch_set_options(Fetch *fetch, const FetchRequest *request)
{
    CURL *easy = fetch->easy;
    bool ok = true;

#define SET(option, value) ok = ok && curl_easy_setopt(easy, CURLOPT_##option, value) == CURLE_OK
    SET(PRIVATE, fetch);
    SET(URL, request->url);
    SET(PROTOCOLS_STR, "https");
    SET(FOLLOWLOCATION, request->follow ? 1L : 0L);
    SET(MAXREDIRS, FETCH_REDIRECTS_MAX);
    SET(REDIR_PROTOCOLS_STR, "https");
    SET(NOSIGNAL, 1L);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    /* RFC 8555 §6.1 requires a User-Agent. libcurl sends none by itself. */
    SET(USERAGENT, "acmems/" ACMEMS_VERSION " libcurl/" LIBCURL_VERSION);
    SET(CONNECTTIMEOUT_MS, FETCH_CONNECT_TIMEOUT_MS);
    SET(TIMEOUT_MS, FETCH_TIMEOUT_MS);
    SET(ERRORBUFFER, fetch->error);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, fetch);
    SET(HTTPHEADER, fetch->headers);
    /* libcurl decodes what comes compressed nevertheless. */
    SET(ACCEPT_ENCODING, "identity");
    if (fetch->fetcher->ca_file)
        SET(CAINFO, fetch->fetcher->ca_file);
    if (fetch->fetcher->proxy)
        SET(PROXY, fetch->fetcher->proxy);
    if (fetch->body) {
        SET(POST, 1L);
        SET(POSTFIELDS, fetch->body);
        SET(POSTFIELDSIZE_LARGE, (curl_off_t)strlen(fetch->body));
    } else if (request->head)
        SET(NOBODY, 1L);
#undef SET
    return ok;
}

int fetcher_start(Fetcher *fetcher, const FetchRequest *request, fetch_cb callback, void *userdata,
                  Fetch **ret)
{
    _cleanup_(fetch_freep) Fetch *fetch = calloc(1, sizeof(*fetch));
    int r;

    if (!fetch)
        return -ENOMEM;
    fetch->fetcher = fetcher;
    fetch->callback = callback;
    fetch->userdata = userdata;
    TAILQ_INSERT_TAIL(&fetcher->fetches, fetch, list);

    fetch->easy = curl_easy_init();
    if (!fetch->easy)
        return -ENOMEM;
    if (request->body) {
        fetch->body = strdup(request->body);
        if (!fetch->body)
            return -ENOMEM;
        r = fetch_add_header(fetch, "Content-Type", "application/jose+json");
        if (r < 0)
            return r;
    }
    r = fetch_add_header(fetch, "Accept", str_or(request->accept, "application/json"));
    if (r < 0)
        return r;
    if (!fetch_set_options(fetch, request))
        return -EIO;
    if (fetcher->n_running < FETCH_RUNNING_MAX && fetch_run(fetch) != CURLM_OK)
        return -EIO;

    *ret = TAKE_PTR(fetch);
    return 0;
}
