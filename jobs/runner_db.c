/* SPDX-License-Identifier: Apache-2.0 */
/* What the runner asks the database. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "runner.h"
#include "wm_json_own.h"

#define HOUR        (APR_TIME_C(3600) * APR_USEC_PER_SEC)
#define RETRY_FIRST (APR_TIME_C(30) * APR_USEC_PER_SEC)
#define RETRY_MOST  (24 * HOUR)

static int tries_of(const wm_job *job)
{
    return job->tries ? job->tries : WM_JOB_TRIES;
}

static double seconds(apr_interval_time_t time)
{
    return (double)time / APR_USEC_PER_SEC;
}

/* The jobs of this program, as the statements take them. */
static const char *kinds_text(apr_pool_t *pool)
{
    json_t *kinds = wm_json_own(json_array(), pool);

    for (int i = 0; wm_jobs[i]; i++)
        json_array_append_new(
            kinds, json_pack("{s:s, s:i, s:i, s:f, s:s*}", "name", wm_jobs[i]->name, "parallel",
                             wm_jobs[i]->parallel ? wm_jobs[i]->parallel : 1, "tries",
                             tries_of(wm_jobs[i]), "every", seconds(wm_jobs[i]->every), "daily_at",
                             wm_jobs[i]->daily_at ? wm_jobs[i]->daily_at() : NULL));
    return wm_json_own_text(kinds, pool);
}

const wm_err *wm_runner_begin(wm_runner *r, apr_pool_t *pool)
{
    char host[256] = "";

    r->pool = pool;
    r->pid = getpid();
    apr_pool_create(&r->scratch, pool);
    gethostname(host, sizeof host - 1);
    r->worker = apr_psprintf(pool, "%s:%d", host[0] ? host : "localhost", (int)r->pid);
    r->kinds = kinds_text(pool);
    return NULL;
}

const wm_err *wm_runner_connect(wm_runner *r)
{
    wm_db *db;

    apr_pool_create(&r->db_pool, r->pool);
    WM_TRY(wm_db_connect(&db, r->conninfo, r->log, r->db_pool));
    WM_TRY(wm_db_script(db, "SET statement_timeout = '30s'; LISTEN webmunk_job", r->db_pool));
    r->db = db;
    return NULL;
}

void wm_runner_disconnect(wm_runner *r)
{
    r->db = NULL;
    if (r->db_pool)
        apr_pool_destroy(r->db_pool);
    r->db_pool = NULL;
}

const wm_err *wm_runner_sync(wm_runner *r)
{
    /* With the settings as they are now. */
    return wm_db_do(NULL, r->db, WM_SQL_JOB_SCHEDULE_SYNC, WM_ARGS(WM_TEXT(kinds_text(r->scratch))),
                    r->scratch);
}

const wm_err *wm_runner_tick(wm_runner *r)
{
    return wm_db_do(NULL, r->db, WM_SQL_JOB_SCHEDULE_TICK, WM_ARGS(WM_TEXT(r->kinds)), r->scratch);
}

static wm_child *free_place(wm_runner *r)
{
    for (int i = 0; i < WM_SLOTS_MAX; i++)
        if (!r->children[i].job)
            return &r->children[i];
    return NULL;
}

const wm_err *wm_runner_claim(int *count, wm_child *claimed[WM_SLOTS_MAX], wm_runner *r)
{
    int places = r->slots;
    wm_rows *rows;

    *count = 0;
    for (int i = 0; i < WM_SLOTS_MAX; i++)
        places -= r->children[i].job != NULL;
    if (places <= 0) /* fewer slots than before HUP, perhaps */
        return NULL;
    WM_TRY(wm_db_rows(
        &rows, r->db, WM_SQL_JOB_CLAIM,
        WM_ARGS(WM_TEXT(r->kinds), WM_F64(seconds(r->lease)), WM_TEXT(r->worker), WM_I64(places)),
        r->scratch));
    for (int i = 0; i < wm_rows_count(rows); i++) {
        const char *cursor = wm_rows_text(rows, i, 6);
        wm_child *c = free_place(r);

        memset(c, 0, sizeof *c);
        apr_pool_create(&c->pool, r->pool);
        c->id = wm_rows_i64(rows, i, 0);
        c->run_id = wm_rows_i64(rows, i, 1);
        c->job = wm_job_find(wm_rows_text(rows, i, 2));
        c->study = wm_rows_i64(rows, i, 3);
        c->what = apr_pstrdup(c->pool, wm_rows_text(rows, i, 4));
        c->params = apr_pstrdup(c->pool, wm_rows_text(rows, i, 5));
        c->cursor = cursor ? apr_pstrdup(c->pool, cursor) : NULL;
        c->tries = wm_rows_i64(rows, i, 7);
        c->deadline = apr_time_now() + (c->job->deadline ? c->job->deadline : HOUR);
        claimed[(*count)++] = c;
    }
    return NULL;
}

/* Nothing is said of a run that is not in the answer any more: it is somebody else's. */
static void compare(wm_runner *r, const wm_rows *held)
{
    for (int i = 0; i < WM_SLOTS_MAX; i++) {
        wm_child *c = &r->children[i];
        int row = 0;

        if (!c->job || c->ended)
            continue;
        while (row < wm_rows_count(held) && wm_rows_i64(held, row, 0) != c->id)
            row++;
        if (row == wm_rows_count(held))
            c->lost = 1;
        else if (wm_rows_bool(held, row, 1) && c->press == WM_PRESS_NONE)
            c->asked = 1;
    }
}

const wm_err *wm_runner_renew(wm_runner *r)
{
    json_t *list = wm_json_own(json_array(), r->scratch);
    const char *text;
    wm_rows *held;

    for (int i = 0; i < WM_SLOTS_MAX; i++)
        if (r->children[i].job)
            json_array_append_new(list, json_pack("[II]", (json_int_t)r->children[i].id,
                                                  (json_int_t)r->children[i].run_id));
    if (json_array_size(list)) {
        text = wm_json_own_text(list, r->scratch);
        WM_TRY(wm_db_do(NULL, r->db, WM_SQL_JOB_RENEW,
                        WM_ARGS(WM_TEXT(text), WM_F64(seconds(r->lease))), r->scratch));
        WM_TRY(wm_db_rows(&held, r->db, WM_SQL_JOB_HELD, WM_ARGS(WM_TEXT(text)), r->scratch));
        compare(r, held);
    }
    r->renewed = apr_time_now();
    return NULL;
}

const char *wm_runner_after(apr_interval_time_t *delay, const wm_job *job, apr_int64_t tries,
                            const wm_err *err)
{
    apr_interval_time_t wait = RETRY_FIRST;

    *delay = 0;
    if (tries >= tries_of(job) || (err && err->code == WM_E_INPUT))
        return "failed";
    while (--tries > 0 && wait < RETRY_MOST)
        wait *= 2;
    /* Up to a quarter more or less, so that what failed together does not come back together. */
    wait += wait / 4 * ((apr_int64_t)randombytes_uniform(2001) - 1000) / 1000;
    *delay = wait < RETRY_MOST ? wait : RETRY_MOST;
    return "retry";
}

/* Why a run ended that did not say so itself; NULL: it was asked to stop. */
static const char *reason(const wm_child *c, apr_pool_t *pool)
{
    if (c->late)
        return apr_psprintf(pool, "took longer than %d seconds",
                            (int)((c->job->deadline ? c->job->deadline : HOUR) / APR_USEC_PER_SEC));
    if (c->press)
        return NULL;
    if (WIFSIGNALED(c->status))
        return apr_psprintf(pool, "its process died by signal %d", WTERMSIG(c->status));
    return apr_psprintf(pool, "its process ended with status %d; the log has the reason",
                        WEXITSTATUS(c->status));
}

const wm_err *wm_runner_record(wm_runner *r, const wm_child *c)
{
    const char *why = reason(c, r->scratch);
    apr_interval_time_t delay = 0;
    const char *outcome = why ? wm_runner_after(&delay, c->job, c->tries, NULL) : "stopped";

    if (why)
        wm_log_write(r->log, WM_LOG_ERROR, "WM0412 job %" APR_INT64_T_FMT ", %s%s%s: %s", c->id,
                     c->job->name, c->what[0] ? " " : "", c->what, why);
    return wm_db_do(NULL, r->db, WM_SQL_JOB_FINISH,
                    WM_ARGS(WM_I64(c->id), WM_I64(c->run_id), WM_TEXT(outcome), WM_TEXT(NULL),
                            WM_TEXT(why), WM_F64(seconds(delay))),
                    r->scratch);
}
