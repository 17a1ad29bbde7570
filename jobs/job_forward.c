/* SPDX-License-Identifier: Apache-2.0 */
/* Send the points of assigned sources to the servers that they belong to.  Batches lie in the database
 * until they are acknowledged (sql/schema/0012-forward.sql): whatever dies, what was not is sent again,
 * byte for byte, and the other side knows it as a repeat. */
#include <string.h>

#include <apr_strings.h>

#include "fetch.h"
#include "forward.h"
#include "job.h"
#include "mail.h"
#include "settings.h"
#include "wm_forward.h"
#include "wm_url.h"

enum { TELL_AFTER = 6 }; /* failures in a row, a quarter of an hour */

#define TURN (10 * APR_USEC_PER_SEC)  /* then the next server */
#define LAST (240 * APR_USEC_PER_SEC) /* then the next run */

/* A server while it has its turn. */
typedef struct sending {
    wm_job_run *run;
    wm_fetch *fetch;
    apr_int64_t id;
    const char *name, *url;
    apr_int64_t points;
    apr_pool_t *pool; /* cleared with every batch */
} sending;

/* For the administrators, once for each time that it stops. */
static const wm_err *tell(const sending *s, const char *why, const char *since)
{
    return wm_mail_add(
        s->run->db, NULL, apr_psprintf(s->pool, "Forwarding to %s has stopped", s->name),
        apr_psprintf(s->pool,
                     "Points wait to be forwarded to \"%s\"; the last was acknowledged at %s UTC:\n"
                     "\n  %s\n\nNothing is lost: they are sent when the cause is removed. This"
                     " tries at once:\n\n  webmunkd server test %s\n  webmunkd server resume %s\n",
                     s->name, since, why, s->name, s->name),
        apr_psprintf(s->pool, "server %s stopped %s", s->name, since), s->pool);
}

static const wm_err *failed(const sending *s, const char *why)
{
    apr_int64_t failures;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, s->run->db, WM_SQL_FORWARD_FAILED,
                      WM_ARGS(WM_I64(s->id), WM_TEXT(why)), s->pool));
    if (!wm_rows_count(rows))
        return NULL;
    failures = wm_rows_i64(rows, 0, 0);
    if (failures == 1)
        wm_log_write(s->run->log, WM_LOG_ERROR, "WM0640 forwarding to \"%s\": %s; trying again",
                     s->name, why);
    return failures == TELL_AFTER ? tell(s, why, wm_rows_text(rows, 0, 1)) : NULL;
}

/* *GO_ON is 0 when this server has to wait. */
static const wm_err *judged(int *go_on, sending *s, const wm_fetch_answer *answer,
                            apr_int64_t number, apr_int64_t points)
{
    const char *why;
    wm_rows *rows;

    switch (wm_forward_judge(&why, answer->status, answer->body, answer->size, s->pool)) {
    case WM_FORWARD_TAKEN:
        WM_TRY(wm_db_do(NULL, s->run->db, WM_SQL_FORWARD_DONE,
                        WM_ARGS(WM_I64(s->id), WM_I64(number)), s->pool));
        s->points += points;
        return NULL;
    case WM_FORWARD_LARGE:
        WM_TRY(wm_db_rows(&rows, s->run->db, WM_SQL_FORWARD_SMALLER,
                          WM_ARGS(WM_I64(s->id), WM_I64(number)), s->pool));
        if (wm_rows_bool(rows, 0, 0))
            return NULL;
        break;
    case WM_FORWARD_REFUSED:
        break;
    }
    *go_on = 0;
    return failed(s, why);
}

/* Send the first batch that waits; *GO_ON is 0 when there is none. */
static const wm_err *send_one(int *go_on, sending *s)
{
    wm_fetch_answer answer;
    const wm_err *err;
    const char *form;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, s->run->db, WM_SQL_FORWARD_BATCH, WM_ARGS(WM_I64(s->id)), s->pool));
    *go_on = wm_rows_count(rows) && !wm_rows_bool(rows, 0, 3);
    if (!*go_on)
        return NULL;
    form = apr_pstrcat(s->pool, "payload=", wm_url_escape(wm_rows_text(rows, 0, 1), "", s->pool),
                       NULL);
    err = wm_forward_post(&answer, s->fetch, s->name, s->url, form, s->pool);
    if (*s->run->stop) { /* what came of it the next run will learn */
        *go_on = 0;
        return NULL;
    }
    if (err) {
        *go_on = 0;
        return failed(s, wm_err_text(err, s->pool));
    }
    return judged(go_on, s, &answer, wm_rows_i64(rows, 0, 0), wm_rows_i64(rows, 0, 2));
}

/* Pack what is there, unless some of it waits already; *LEFT is 0 when nothing is. */
static const wm_err *fill(int *left, sending *s)
{
    wm_rows *rows;

    do {
        apr_pool_clear(s->pool);
        WM_TRY(wm_db_rows(&rows, s->run->db, WM_SQL_FORWARD_FILL,
                          WM_ARGS(WM_I64(s->id),
                                  WM_I32((int)wm_setting_number(WM_SETTING_FORWARD_BATCH_POINTS)),
                                  WM_I64(wm_setting_number(WM_SETTING_FORWARD_BATCH_BYTES))),
                          s->pool));
    } while (!wm_rows_text(rows, 0, 0) && !*s->run->stop);
    *left = wm_rows_i64(rows, 0, 0) > 0;
    return NULL;
}

/* *BUSY stays as it is when nothing is left, or when the server has to wait. */
static const wm_err *have_turn(int *busy, sending *s)
{
    apr_time_t until = apr_time_now() + TURN;
    int left, go_on;

    while (!*s->run->stop) {
        WM_TRY(fill(&left, s));
        if (!left)
            return NULL;
        WM_TRY(send_one(&go_on, s));
        if (!go_on)
            return NULL;
        WM_TRY(wm_job_progress(s->run, s->points, 0, "points", s->name));
        if (apr_time_now() > until) {
            *busy = 1;
            return NULL;
        }
    }
    return NULL;
}

/* Unless another process sends to it. */
static const wm_err *have_turn_alone(int *busy, sending *s)
{
    const wm_err *err;
    wm_rows *rows;

    WM_TRY(
        wm_db_rows(&rows, s->run->db, WM_SQL_FORWARD_LOCK, WM_ARGS(WM_I64(s->id)), s->run->pool));
    if (!wm_rows_bool(rows, 0, 0))
        return NULL;
    err = have_turn(busy, s);
    if (err)
        return wm_err_wrap(s->run->pool, err, "forwarding to %s", s->name);
    return wm_db_do(NULL, s->run->db, WM_SQL_FORWARD_UNLOCK, WM_ARGS(WM_I64(s->id)), s->run->pool);
}

static const wm_err *forward(wm_job_run *run)
{
    sending s = {.run = run};
    apr_time_t until = apr_time_now() + LAST;
    wm_rows *servers;
    int busy;

    apr_pool_create(&s.pool, run->pool);
    WM_TRY(wm_fetch_create(&s.fetch, run->stop, run->pool));
    do {
        busy = 0;
        WM_TRY(wm_db_rows(&servers, run->db, WM_SQL_FORWARD_SERVERS, WM_ARGS(WM_TEXT(run->what)),
                          run->pool));
        for (int i = 0; i < wm_rows_count(servers) && !*run->stop; i++) {
            s.id = wm_rows_i64(servers, i, 0);
            s.name = wm_rows_text(servers, i, 1);
            s.url = wm_rows_text(servers, i, 2);
            WM_TRY(have_turn_alone(&busy, &s));
        }
    } while (busy && !*run->stop && apr_time_now() < until);
    if (s.points)
        wm_job_note(run, "%" APR_INT64_T_FMT " points were acknowledged", s.points);
    return NULL;
}

const wm_job wm_job_forward = {
    .name = "forward",
    .summary = "send points of assigned participants to other servers",
    .every = APR_TIME_C(60) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(900) * APR_USEC_PER_SEC,
    .tries = 3,
    .run = forward,
};
