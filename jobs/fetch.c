/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>

#include "fetch.h"
#include "settings.h"
#include "wm_buf.h"

enum {
    ANSWER_MAX = 1 << 20,
    CONNECT_SECONDS = 20,
    LOW_SPEED_BYTES = 64, /* slower than this for so long is a broken line */
    LOW_SPEED_SECONDS = 60,
    WAIT_SECONDS_MAX = 60,
    TRIES_MAX = 3
};

struct wm_fetch {
    CURL *curl;
    const volatile sig_atomic_t *stop;
};

/* One transfer under way. */
typedef struct transfer {
    const wm_fetch_request *request;
    const volatile sig_atomic_t *stop;
    wm_fetch_answer *answer;
    wm_buf *body;
    apr_int64_t done; /* of the request's body */
    const wm_err *err;
    apr_pool_t *pool;
} transfer;

static apr_status_t clean(void *data)
{
    curl_easy_cleanup(data);
    return APR_SUCCESS;
}

const wm_err *wm_fetch_create(wm_fetch **fetch, const volatile sig_atomic_t *stop, apr_pool_t *pool)
{
    wm_fetch *f = apr_pcalloc(pool, sizeof *f);

    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return wm_err_make(pool, WM_E_SYSTEM, "libcurl cannot be initialised");
    f->curl = curl_easy_init();
    if (!f->curl)
        return wm_err_make(pool, WM_E_SYSTEM, "libcurl cannot be initialised");
    apr_pool_cleanup_register(pool, f->curl, clean, apr_pool_cleanup_null);
    f->stop = stop;
    *fetch = f;
    return NULL;
}

static size_t on_read(char *to, size_t size, size_t count, void *ctx)
{
    transfer *t = ctx;
    const wm_fetch_request *r = t->request;
    apr_int64_t rest = r->size - t->done;
    size_t room = size * count;
    ssize_t got;

    if (rest <= 0)
        return 0;
    if ((apr_int64_t)room > rest)
        room = (size_t)rest;
    if (r->body) {
        memcpy(to, r->body + t->done, room);
        got = (ssize_t)room;
    } else {
        got = pread(r->fd, to, room, (off_t)(r->offset + t->done));
        if (got <= 0) {
            t->err = wm_err_make(t->pool, WM_E_SYSTEM, "the archive cannot be read to its end");
            return CURL_READFUNC_ABORT;
        }
    }
    t->done += got;
    return (size_t)got;
}

/* For authentication that is asked for late, and for appending to a part. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    transfer *t = ctx;

    if (origin != SEEK_SET || offset < 0 || offset > t->request->size)
        return CURL_SEEKFUNC_FAIL;
    t->done = offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_write(char *data, size_t size, size_t count, void *ctx)
{
    transfer *t = ctx;
    size_t bytes = size * count;
    size_t max = t->request->answer_max ? t->request->answer_max : ANSWER_MAX;

    if (t->request->sink)
        return t->request->sink(t->request->ctx, data, bytes) ? 0 : bytes;
    if (t->body->size + bytes > max) {
        t->err = wm_err_make(t->pool, WM_E_BUSY, "the answer is longer than %zu bytes", max);
        return 0;
    }
    t->err = wm_buf_add(t->body, data, bytes);
    return t->err ? 0 : bytes;
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    transfer *t = ctx;
    size_t bytes = size * count;
    char *line = apr_pstrmemdup(t->pool, data, bytes);
    char *colon = strchr(line, ':');
    char *end;

    if (!strncmp(line, "HTTP/", 5))
        apr_table_clear(t->answer->headers); /* of a 100 before */
    if (!colon || apr_table_elts(t->answer->headers)->nelts >= 100)
        return bytes;
    *colon++ = '\0';
    while (*colon == ' ')
        colon++;
    for (end = colon + strlen(colon); end > colon && apr_isspace(end[-1]);)
        *--end = '\0';
    apr_table_setn(t->answer->headers, line, colon);
    return bytes;
}

static int on_progress(void *ctx, curl_off_t dtotal, curl_off_t dnow, curl_off_t utotal,
                       curl_off_t unow)
{
    transfer *t = ctx;

    (void)dtotal, (void)dnow, (void)utotal;
    if (t->request->sent)
        t->request->sent(t->request->ctx, (apr_int64_t)unow);
    return t->stop && *t->stop;
}

static struct curl_slist *list_of(const char *const *texts)
{
    struct curl_slist *list = NULL;

    for (; texts && *texts; texts++)
        list = curl_slist_append(list, *texts);
    return list;
}

typedef struct lists {
    struct curl_slist *headers, *before, *after, *to;
} lists;

static void set_common(CURL *c, transfer *t)
{
    const wm_fetch_request *r = t->request;
    const char *ca = r->ca_file ? r->ca_file : wm_setting_text(WM_SETTING_CA_FILE);

    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,sftp,smtp,smtps");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_SECONDS);
    if (r->timeout)
        curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)apr_time_sec(r->timeout));
    curl_easy_setopt(c, CURLOPT_USERAGENT, "webmunkd");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    if (ca && *ca)
        curl_easy_setopt(c, CURLOPT_CAINFO, ca);
    if (r->user)
        curl_easy_setopt(c, CURLOPT_USERNAME, r->user);
    if (r->password)
        curl_easy_setopt(c, CURLOPT_PASSWORD, r->password);
    if (r->sigv4)
        curl_easy_setopt(c, CURLOPT_AWS_SIGV4, r->sigv4);
}

static void set_body(CURL *c, transfer *t)
{
    const wm_fetch_request *r = t->request;

    if (!r->has_body)
        return;
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, t);
    curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->size);
    curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
    curl_easy_setopt(c, CURLOPT_FTP_CREATE_MISSING_DIRS, (long)CURLFTP_CREATE_DIR);
    curl_easy_setopt(c, CURLOPT_NEW_FILE_PERMS, 0600L);
    curl_easy_setopt(c, CURLOPT_NEW_DIRECTORY_PERMS, 0700L);
    if (r->upload)
        curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)-1);
}

static void set_others(CURL *c, const wm_fetch_request *r, lists *l)
{
    l->headers = list_of(r->headers);
    l->before = list_of(r->before);
    l->after = list_of(r->after);
    l->to = list_of(r->mail_to);
    if (l->headers)
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, l->headers);
    if (l->before)
        curl_easy_setopt(c, CURLOPT_QUOTE, l->before);
    if (l->after)
        curl_easy_setopt(c, CURLOPT_POSTQUOTE, l->after);
    if (r->method && !strcmp(r->method, "HEAD"))
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (r->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->no_transfer)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    if (r->from)
        curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)r->from);
    if (r->private_key) {
        curl_easy_setopt(c, CURLOPT_SSH_AUTH_TYPES, (long)CURLSSH_AUTH_PUBLICKEY);
        curl_easy_setopt(c, CURLOPT_SSH_PRIVATE_KEYFILE, r->private_key);
    } else {
        curl_easy_setopt(c, CURLOPT_SSH_AUTH_TYPES,
                         (long)(CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD));
    }
    if (r->host_key)
        curl_easy_setopt(c, CURLOPT_SSH_HOST_PUBLIC_KEY_SHA256, r->host_key);
    if (r->known_hosts)
        curl_easy_setopt(c, CURLOPT_SSH_KNOWNHOSTS, r->known_hosts);
    if (r->mail_from)
        curl_easy_setopt(c, CURLOPT_MAIL_FROM, r->mail_from);
    if (l->to)
        curl_easy_setopt(c, CURLOPT_MAIL_RCPT, l->to);
    if (r->starttls)
        curl_easy_setopt(c, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
}

/* The host of URL. */
static const char *host_of(const char *url, apr_pool_t *pool)
{
    const char *host = strstr(url, "://");

    host = host ? host + 3 : url;
    return apr_pstrmemdup(pool, host, strcspn(host, "/?"));
}

static int is_ssh(const transfer *t)
{
    return !strncmp(t->request->url, "sftp:", 5);
}

/* What an error of curl means to an operator. */
static const wm_err *judge(CURLcode code, long status, transfer *t)
{
    apr_pool_t *pool = t->pool;
    const char *peer = t->request->peer ? t->request->peer : host_of(t->request->url, pool);

    if (t->err)
        return wm_err_wrap(pool, t->err, "%s", peer);
    if (t->request->mail_from && status >= 400 && code != CURLE_LOGIN_DENIED &&
        code != CURLE_USE_SSL_FAILED)
        return wm_err_make(pool, status >= 500 ? WM_E_CONFLICT : WM_E_BUSY,
                           "%s refused the mail (%ld)", peer, status);
    switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
        return wm_err_make(pool, WM_E_BUSY, "stopped while talking to %s", peer);
    case CURLE_COULDNT_RESOLVE_HOST:
        return wm_err_make(pool, WM_E_BUSY, "%s has no address: check its name, or the name server",
                           peer);
    case CURLE_COULDNT_CONNECT:
        return wm_err_make(pool, WM_E_BUSY,
                           "%s does not accept connections: check address and port, or wait", peer);
    case CURLE_OPERATION_TIMEDOUT:
        return wm_err_make(pool, WM_E_BUSY, "%s answers too slowly, or not at all", peer);
    case CURLE_PEER_FAILED_VERIFICATION:
        if (is_ssh(t))
            return wm_err_make(
                pool, WM_E_INPUT,
                "%s shows another host key than the one that is pinned: when its key was"
                " changed on purpose, pin the new one, else somebody is in between",
                peer);
        return wm_err_make(
            pool, WM_E_INPUT,
            "the certificate of %s cannot be trusted: it is expired, of another name,"
            " or of an authority that WEBMUNK_CA_FILE must name",
            peer);
    case CURLE_LOGIN_DENIED:
        return wm_err_make(pool, WM_E_INPUT, "%s refused the login: check user and secret", peer);
    case CURLE_USE_SSL_FAILED:
        return wm_err_make(pool, WM_E_INPUT, "%s does not offer STARTTLS", peer);
    case CURLE_REMOTE_ACCESS_DENIED:
        return wm_err_make(pool, WM_E_INPUT, "%s does not let this user write there", peer);
    case CURLE_REMOTE_DISK_FULL:
        return wm_err_make(pool, WM_E_BUSY, "%s has no room left: make some", peer);
    case CURLE_REMOTE_FILE_NOT_FOUND:
        return wm_err_make(pool, WM_E_NOT_FOUND, "%s does not have that file or folder", peer);
    case CURLE_BAD_DOWNLOAD_RESUME:
        return wm_err_make(pool, WM_E_CONFLICT, "%s has a shorter file", peer);
    case CURLE_QUOTE_ERROR:
        return wm_err_make(pool, WM_E_CONFLICT, "%s refused to rename or remove a file", peer);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
        return wm_err_make(pool, WM_E_BUSY, "the connection to %s broke", peer);
    default:
        if (status)
            return wm_err_make(pool, WM_E_BUSY, "%s: %s (%ld)", peer, curl_easy_strerror(code),
                               status);
        return wm_err_make(pool, WM_E_BUSY, "%s: %s", peer, curl_easy_strerror(code));
    }
}

static const wm_err *once(wm_fetch_answer *answer, CURLcode *code, wm_fetch *fetch,
                          const wm_fetch_request *request, apr_pool_t *pool)
{
    transfer t = {.request = request, .stop = fetch->stop, .answer = answer, .pool = pool};
    lists l = {0};
    long status = 0;

    memset(answer, 0, sizeof *answer);
    answer->headers = apr_table_make(pool, 16);
    t.body = wm_buf_create(NULL, pool);
    curl_easy_reset(fetch->curl); /* open connections stay */
    set_common(fetch->curl, &t);
    set_body(fetch->curl, &t);
    set_others(fetch->curl, request, &l);
    *code = curl_easy_perform(fetch->curl);
    curl_easy_getinfo(fetch->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_reset(fetch->curl); /* secrets are not kept longer than needed */
    curl_slist_free_all(l.headers);
    curl_slist_free_all(l.before);
    curl_slist_free_all(l.after);
    curl_slist_free_all(l.to);
    answer->status = (int)status;
    answer->body = t.body->size ? apr_pstrmemdup(pool, t.body->data, t.body->size) : "";
    answer->size = t.body->size;
    wm_buf_free(t.body);
    return *code ? judge(*code, status, &t) : NULL;
}

/* Seconds to wait before another try; 0: do not try. */
static int pause_of(const wm_fetch_answer *answer)
{
    const char *text = apr_table_get(answer->headers, "Retry-After");
    apr_int64_t seconds = text ? apr_atoi64(text) : 0;

    if (answer->status != 429 && answer->status != 503)
        return 0;
    return seconds >= 1 && seconds <= WAIT_SECONDS_MAX ? (int)seconds : 0;
}

const wm_err *wm_fetch_do(wm_fetch_answer *answer, wm_fetch *fetch, const wm_fetch_request *request,
                          apr_pool_t *pool)
{
    const wm_err *err = NULL;
    CURLcode code;

    for (int tries = 1; tries <= TRIES_MAX; tries++) {
        int seconds;

        err = once(answer, &code, fetch, request, pool);
        if (fetch->stop && *fetch->stop)
            break;
        if (err && tries == 1 && (code == CURLE_COULDNT_CONNECT || code == CURLE_GOT_NOTHING))
            continue;
        seconds = err ? 0 : pause_of(answer);
        if (!seconds)
            break;
        if (tries == TRIES_MAX)
            break;
        for (int tenths = seconds * 10; tenths > 0 && !(fetch->stop && *fetch->stop); tenths--)
            apr_sleep(apr_time_from_msec(100));
    }
    return err;
}
