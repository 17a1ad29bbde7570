/* SPDX-License-Identifier: Apache-2.0 */
/* Send what waits in the outbox. */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "dest.h"
#include "fetch.h"
#include "job.h"
#include "mail.h"
#include "secret.h"
#include "settings.h"
#include "settings_value.h"
#include "wm_url.h"

enum { MAIL_TRIES = 48, PAUSE_SECONDS = 60, PAUSE_DOUBLINGS = 6 };

typedef struct server {
    wm_fetch *fetch;
    wm_fetch_request request;
    const char *from;
} server;

static int is_here(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return !strncmp(host, "127.0.0.1", 9) || !strncmp(host, "localhost", 9) ||
           !strncmp(host, "[::1]", 5);
}

static const wm_err *open_server(server *s, wm_job_run *run)
{
    const char *url = wm_setting_text(WM_SETTING_SMTP_URL);
    int tls_said = wm_setting_text(WM_SETTING_SMTP_TLS) != NULL;
    const char *secret = wm_setting_text(WM_SETTING_SMTP_SECRET);
    int implicit = !strncmp(url, "smtps://", 8);
    apr_pool_t *pool = run->pool;
    json_t *login;

    s->request.starttls =
        !implicit && (tls_said ? wm_setting_number(WM_SETTING_SMTP_TLS) == 0 : !is_here(url));
    if (secret && !implicit && !s->request.starttls && !is_here(url))
        return wm_err_make(pool, WM_E_INPUT,
                           "tls in [mail] is off: then no password may be sent; remove the secret");
    s->from = wm_setting_text(WM_SETTING_MAIL_FROM);
    if (!s->from)
        return wm_err_make(pool, WM_E_INPUT, "nobody says where mail comes from: set %s",
                           wm_setting_called(WM_SETTING_MAIL_FROM, pool));
    /* The path is what we call ourselves. */
    s->request.url =
        strchr(strstr(url, "://") + 3, '/')
            ? url
            : apr_pstrcat(pool, url, "/", wm_url_escape(wm_dest_site(pool), "", pool), NULL);
    s->request.peer = "the mail server";
    s->request.timeout = apr_time_from_sec(120);
    s->request.mail_from = apr_pstrcat(pool, "<", s->from, ">", NULL);
    if (secret) {
        WM_TRY(wm_secret_json(&login, secret, pool));
        s->request.user = json_string_value(json_object_get(login, "user"));
        s->request.password = json_string_value(json_object_get(login, "password"));
        if (!s->request.user || !s->request.password)
            return wm_err_make(pool, WM_E_INPUT,
                               "the secret \"%s\" needs \"user\" and \"password\"", secret);
    }
    return wm_fetch_create(&s->fetch, run->stop, pool);
}

/* The addresses of TEXT, parted by commas. */
static const wm_err *addresses(const char *const **list, const char *text, apr_pool_t *pool)
{
    apr_array_header_t *found = wm_setting_split(text, pool);

    for (int i = 0; i < found->nelts; i++)
        if (!wm_mail_address_ok(APR_ARRAY_IDX(found, i, const char *)))
            return wm_err_make(pool, WM_E_CONFLICT, "an address of it is none");
    if (!found->nelts)
        return wm_err_make(pool, WM_E_CONFLICT, "nobody is to get it: set %s",
                           wm_setting_called(WM_SETTING_MAIL_ADMINS, pool));
    APR_ARRAY_PUSH(found, const char *) = NULL;
    *list = (const char *const *)found->elts;
    return NULL;
}

static const wm_err *send_one(server *s, const wm_rows *rows, int i, apr_pool_t *pool)
{
    const char *to = wm_rows_text(rows, i, 1);
    wm_mail mail = {
        .id = wm_rows_i64(rows, i, 0),
        .added = wm_rows_i64(rows, i, 5),
        .from = s->from,
        .subject = wm_rows_text(rows, i, 2),
        .body = wm_rows_text(rows, i, 3),
        .now = apr_time_now(),
    };
    wm_fetch_request request = s->request;
    wm_fetch_answer answer;
    wm_buf *text;

    WM_TRY(addresses(&mail.to, *to ? to : wm_setting_text(WM_SETTING_MAIL_ADMINS), pool));
    WM_TRY(wm_mail_text(&text, &mail, pool));
    request.mail_to = mail.to;
    request.has_body = 1;
    request.body = text->data;
    request.size = (apr_int64_t)text->size;
    return wm_fetch_do(&answer, s->fetch, &request, pool);
}

/* What became of it.  A refused mail fails; a server that is away is no fault of the mail's. */
static const wm_err *record(wm_job_run *run, const wm_rows *rows, int i, const wm_err *err,
                            apr_pool_t *pool)
{
    apr_int64_t id = wm_rows_i64(rows, i, 0), tries = wm_rows_i64(rows, i, 4) + 1;
    int final = err && (err->code == WM_E_CONFLICT || tries >= MAIL_TRIES);
    apr_int64_t pause = (apr_int64_t)PAUSE_SECONDS
                        << (tries < PAUSE_DOUBLINGS ? tries : PAUSE_DOUBLINGS);

    if (!err)
        return wm_db_do(NULL, run->db, WM_SQL_MAIL_SENT, WM_ARGS(WM_I64(id)), pool);
    if (final)
        wm_log_write(run->log, WM_LOG_ERROR, "WM0551 mail %" APR_INT64_T_FMT " cannot be sent: %s",
                     id, wm_err_text(err, pool));
    return wm_db_do(
        NULL, run->db, WM_SQL_MAIL_ERROR,
        WM_ARGS(WM_I64(id), WM_TEXT(wm_err_text(err, pool)), WM_BOOL(final), WM_I64(pause)), pool);
}

static const wm_err *send_all(int *sent, server *s, wm_job_run *run, const wm_rows *rows)
{
    apr_pool_t *scratch;
    const wm_err *err = NULL, *away = NULL;

    apr_pool_create(&scratch, run->pool);
    for (int i = 0; !err && !away && i < wm_rows_count(rows) && !*run->stop; i++) {
        const wm_err *failed;

        apr_pool_clear(scratch);
        failed = send_one(s, rows, i, scratch);
        *sent += !failed;
        err = record(run, rows, i, failed, scratch);
        /* The others would fail alike. */
        if (failed && failed->code != WM_E_CONFLICT)
            away = wm_err_make(run->pool, failed->code, "%s", wm_err_text(failed, scratch));
    }
    if (err)
        err = wm_err_make(run->pool, err->code, "%s", wm_err_text(err, scratch));
    apr_pool_destroy(scratch);
    return err ? err : away;
}

static const wm_err *send_due(wm_job_run *run)
{
    const char *off = apr_psprintf(run->pool, "no mail server is configured: set %s",
                                   wm_setting_called(WM_SETTING_SMTP_URL, run->pool));
    apr_int64_t marked;
    server s = {0};
    wm_rows *rows;
    int sent = 0;
    const wm_err *err;

    if (!wm_setting_text(WM_SETTING_SMTP_URL)) {
        WM_TRY(wm_db_do(&marked, run->db, WM_SQL_MAIL_UNSENT, WM_ARGS(WM_TEXT(off)), run->pool));
        if (marked)
            wm_job_note(run, "%s; %" APR_INT64_T_FMT " stay unsent", off, marked);
        return NULL;
    }
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_MAIL_DUE, WM_NO_ARGS, run->pool));
    if (!wm_rows_count(rows))
        return NULL;
    WM_TRY(open_server(&s, run));
    err = send_all(&sent, &s, run, rows);
    wm_job_note(run, "sent %d of %d", sent, wm_rows_count(rows));
    return err;
}

/* What there is to tell does not wait for what cannot be sent, and the other way round. */
static const wm_err *mail(wm_job_run *run)
{
    const wm_err *untold = wm_mail_notices(run);

    WM_TRY(send_due(run));
    WM_TRY(untold);
    return wm_db_do(NULL, run->db, WM_SQL_MAIL_PURGE, WM_NO_ARGS, run->pool);
}

const wm_job wm_job_mail = {
    .name = "mail",
    .summary = "send the mail that waits",
    .every = APR_TIME_C(60) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(1800) * APR_USEC_PER_SEC,
    .tries = 3,
    .run = mail,
};
