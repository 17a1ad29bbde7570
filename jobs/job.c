/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <jansson.h>

#include "job.h"
#include "runner.h"
#include "wm_json_own.h"

enum { BAR_WIDTH = 30, ADD_ATTEMPTS = 3 };
#define WRITE_EVERY APR_USEC_PER_SEC
#define DRAW_EVERY  (APR_USEC_PER_SEC / 5)

const wm_job *wm_job_find(const char *name)
{
    for (int i = 0; wm_jobs[i]; i++)
        if (!strcmp(wm_jobs[i]->name, name))
            return wm_jobs[i];
    return NULL;
}

static apr_status_t drop_progress(void *data)
{
    json_decref(((struct wm_job_state *)data)->progress);
    return APR_SUCCESS;
}

wm_job_run *wm_job_run_make(wm_db *db, const char *conninfo, const wm_log *log, apr_pool_t *pool)
{
    static const volatile sig_atomic_t never;
    wm_job_run *run = apr_pcalloc(pool, sizeof *run);

    run->db = db;
    run->conninfo = conninfo;
    run->pool = pool;
    run->log = log;
    run->what = "";
    run->params = wm_json_own(json_object(), pool);
    run->now = apr_time_now();
    run->stop = &never;
    run->state = apr_pcalloc(pool, sizeof *run->state);
    apr_pool_cleanup_register(pool, run->state, drop_progress, apr_pool_cleanup_null);
    return run;
}

void wm_job_note(wm_job_run *run, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    apr_vsnprintf(run->state->note, sizeof run->state->note, fmt, ap);
    va_end(ap);
}

const char *wm_job_noted(const wm_job_run *run)
{
    return run->state->note;
}

/* The job's own connection when it is idle: in its transaction the row would be locked, and seen by
 * nobody, until the end. */
static const wm_err *progress_db(wm_db **db, wm_job_run *run)
{
    if (PQtransactionStatus(run->db->conn) == PQTRANS_IDLE) {
        *db = run->db;
        return NULL;
    }
    if (!run->state->second)
        WM_TRY(wm_db_connect(&run->state->second, run->conninfo, run->log, run->pool));
    WM_TRY(wm_db_revive(run->state->second, run->pool));
    *db = run->state->second;
    return NULL;
}

static const wm_err *write_progress(wm_job_run *run)
{
    struct wm_job_state *state = run->state;
    const wm_err *err;
    apr_pool_t *scratch;
    wm_db *db;

    state->written = apr_time_now();
    state->unwritten = 0;
    if (!run->id)
        return NULL;
    WM_TRY(progress_db(&db, run));
    apr_pool_create(&scratch, run->pool);
    err = wm_db_do(NULL, db, WM_SQL_JOB_PROGRESS,
                   WM_ARGS(WM_I64(run->id), WM_I64(state->run_id),
                           WM_TEXT(wm_json_own_text(state->progress, scratch))),
                   scratch);
    if (err)
        err = wm_err_wrap(run->pool, err, "progress");
    apr_pool_destroy(scratch);
    return err;
}

static void draw(wm_job_run *run, apr_int64_t done, apr_int64_t total, const char *unit,
                 const char *note)
{
    char bar[BAR_WIDTH + 1];
    int filled;

    run->state->drawn = apr_time_now();
    fputs("\r\033[K", stderr);
    if (total > 0) {
        filled = (int)(BAR_WIDTH * (done < total ? (double)done / (double)total : 1));
        memset(bar, '.', BAR_WIDTH);
        memset(bar, '#', (size_t)(filled > 0 ? filled : 0));
        bar[BAR_WIDTH] = 0;
        fprintf(stderr, "[%s] %3d %%  %" APR_INT64_T_FMT " of ", bar,
                (int)(100 * (done < total ? (double)done / (double)total : 1)), done);
        fprintf(stderr, "%" APR_INT64_T_FMT " %s", total, unit);
    } else {
        fprintf(stderr, "%" APR_INT64_T_FMT " %s", done, unit);
    }
    if (note)
        fprintf(stderr, "  %s", note);
    fflush(stderr);
}

const wm_err *wm_job_progress(wm_job_run *run, apr_int64_t done, apr_int64_t total,
                              const char *unit, const char *note)
{
    struct wm_job_state *state = run->state;
    apr_time_t now = apr_time_now();

    json_decref(state->progress);
    state->progress = json_pack("{s:I, s:I, s:s, s:s*}", "done", (json_int_t)done, "total",
                                (json_int_t)total, "unit", unit, "note", note);
    state->unwritten = 1;
    if (run->show && isatty(STDERR_FILENO) && now - state->drawn >= DRAW_EVERY)
        draw(run, done, total, unit, note);
    return now - state->written >= WRITE_EVERY ? write_progress(run) : NULL;
}

const wm_err *wm_job_progress_flush(wm_job_run *run)
{
    const json_t *p = run->state->progress;

    if (run->state->drawn) {
        draw(run, json_integer_value(json_object_get(p, "done")),
             json_integer_value(json_object_get(p, "total")),
             json_string_value(json_object_get(p, "unit")),
             json_string_value(json_object_get(p, "note")));
        fputc('\n', stderr);
        run->state->drawn = 0;
    }
    return run->state->unwritten ? write_progress(run) : NULL;
}

const wm_err *wm_job_cursor(wm_job_run *run, json_t *cursor)
{
    apr_int64_t kept;

    if (!run->id)
        return NULL;
    WM_TRY(wm_db_do(&kept, run->db, WM_SQL_JOB_CURSOR,
                    WM_ARGS(WM_I64(run->id), WM_I64(run->state->run_id),
                            WM_TEXT(wm_json_own_text(cursor, run->pool)),
                            WM_F64((double)run->state->lease / APR_USEC_PER_SEC)),
                    run->pool));
    /* Its lease lapsed and somebody else goes on: what this run has done since is rolled back. */
    return kept ? NULL : wm_err_make(run->pool, WM_E_CONFLICT, "another run has taken this job");
}

const wm_err *wm_job_add(apr_int64_t *id, wm_db *db, const char *name, const char *what,
                         apr_int64_t study, const json_t *params, apr_interval_time_t delay,
                         apr_pool_t *pool)
{
    const char *text = params ? wm_json_own_text(params, pool) : "{}";
    wm_rows *rows;

    /* Nothing comes back when one of this name ended between the two halves of the statement. */
    for (int i = 0; i < ADD_ATTEMPTS; i++) {
        WM_TRY(wm_db_rows(&rows, db, WM_SQL_JOB_ADD,
                          WM_ARGS(WM_TEXT(name), WM_TEXT(what ? what : ""), WM_I64(study),
                                  WM_TEXT(text), WM_F64((double)delay / APR_USEC_PER_SEC)),
                          pool));
        if (wm_rows_count(rows)) {
            *id = wm_rows_i64(rows, 0, 0);
            return NULL;
        }
    }
    return wm_err_make(pool, WM_E_BUSY, "the job %s is added by somebody else right now", name);
}
