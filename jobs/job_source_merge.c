/* SPDX-License-Identifier: Apache-2.0 */
/* Move what a source sent to the one that it was merged into, or back.  Every batch is a transaction of
 * the database (sql/schema/0009-merge.sql); a run that was killed leaves the rest to the next. */
#include <string.h>

#include <jansson.h>

#include "job.h"

enum { BATCH = 2000, TRIES_MAX = 10 };

#define NAP          (APR_USEC_PER_SEC / 5)
#define WRITERS_WAIT (90 * APR_USEC_PER_SEC) /* no statement of an upload takes longer */

typedef struct merging {
    wm_job_run *run;
    apr_int64_t id;
    int undo;
    const char *origin, *destination;
    apr_pool_t *pool; /* cleared with every batch */
} merging;

static int stopped(const merging *m)
{
    return *m->run->stop != 0;
}

/* An upload was faster, or locked rows in an order of its own: the transaction can be repeated. */
static int worth_repeating(const wm_err *err)
{
    return wm_db_retryable(err) || !strcmp(err->sqlstate, "23505") ||
           !strcmp(err->sqlstate, "55P03");
}

static const wm_err *show(merging *m)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_MERGE_SO_FAR, WM_ARGS(WM_I64(m->id)), m->pool));
    return wm_job_progress(m->run, wm_rows_i64(rows, 0, 0) + wm_rows_i64(rows, 0, 1),
                           wm_rows_i64(rows, 0, 2), "points", m->undo ? "back" : NULL);
}

/* *MORE is 0 when nothing was left to move. */
static const wm_err *step(int *more, merging *m)
{
    const wm_err *err = NULL;
    wm_rows *rows;

    for (int i = 0; i < TRIES_MAX; i++) {
        err = wm_db_rows(&rows, m->run->db, WM_SQL_MERGE_STEP,
                         WM_ARGS(WM_I64(m->id), WM_I32(BATCH)), m->pool);
        if (!err || !worth_repeating(err))
            break;
    }
    if (err)
        return wm_err_wrap(m->run->pool, err, "merging %s", m->origin);
    *more = wm_rows_text(rows, 0, 0) != NULL;
    return NULL;
}

static const wm_err *move(merging *m)
{
    int more = 1;

    while (more && !stopped(m)) {
        apr_pool_clear(m->pool);
        WM_TRY(step(&more, m));
        WM_TRY(show(m));
    }
    return NULL;
}

/* Exports under way are for the state before. */
static const wm_err *begin(merging *m)
{
    const char *waits;
    wm_rows *rows;

    for (;;) {
        apr_pool_clear(m->pool);
        WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_MERGE_BEGIN, WM_ARGS(WM_I64(m->id)), m->pool));
        waits = wm_rows_text(rows, 0, 0);
        if (!waits || stopped(m))
            return NULL;
        wm_job_note(m->run, "%s waits for %s", m->origin, waits);
        WM_TRY(wm_job_progress(m->run, 0, 0, "points", "waiting for exports"));
        apr_sleep(NAP);
    }
}

/* Uploads that looked the origin up before its row changed are over soon. */
static const wm_err *wait_for_writers(merging *m)
{
    apr_time_t until = apr_time_now() + WRITERS_WAIT;
    const char *writers;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_MERGE_WRITERS, WM_NO_ARGS, m->run->pool));
    writers = wm_rows_text(rows, 0, 0);
    for (;;) {
        apr_pool_clear(m->pool);
        WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_MERGE_WRITERS_LEFT, WM_ARGS(WM_TEXT(writers)),
                          m->pool));
        if (!wm_rows_i64(rows, 0, 0) || stopped(m) || apr_time_now() > until)
            return NULL;
        apr_sleep(NAP / 4);
    }
}

static const wm_err *merge(merging *m)
{
    WM_TRY(wm_db_do(NULL, m->run->db, WM_SQL_MERGE_AGAIN, WM_ARGS(WM_I64(m->id)), m->pool));
    WM_TRY(begin(m));
    /* Back: from its beginning on uploads go to the origin.  There: from the last batch on they go to
     * the destination, and who was late has left something. */
    if (m->undo && !stopped(m))
        WM_TRY(wait_for_writers(m));
    WM_TRY(move(m));
    if (!m->undo && !stopped(m)) {
        WM_TRY(wait_for_writers(m));
        WM_TRY(move(m));
    }
    if (stopped(m))
        return NULL;
    return wm_db_do(NULL, m->run->db, WM_SQL_MERGE_DONE, WM_ARGS(WM_I64(m->id)), m->pool);
}

/* Unless another process does. */
static const wm_err *merge_alone(merging *m)
{
    const wm_err *err;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_MERGE_LOCK, WM_ARGS(WM_I64(m->id)), m->pool));
    if (!wm_rows_bool(rows, 0, 0)) {
        wm_job_note(m->run, "another process merges %s", m->origin);
        return NULL;
    }
    err = merge(m);
    if (PQstatus(m->run->db->conn) == CONNECTION_OK)
        WM_TRY(
            wm_db_do(NULL, m->run->db, WM_SQL_MERGE_UNLOCK, WM_ARGS(WM_I64(m->id)), m->run->pool));
    return err;
}

static const wm_err *source_merge(wm_job_run *run)
{
    merging m = {.run = run};
    wm_rows *list, *rows;

    apr_pool_create(&m.pool, run->pool);
    WM_TRY(wm_db_rows(&list, run->db, WM_SQL_MERGE_PENDING,
                      WM_ARGS(WM_I64(json_integer_value(json_object_get(run->params, "merge")))),
                      run->pool));
    for (int i = 0; i < wm_rows_count(list) && !stopped(&m); i++) {
        m.id = wm_rows_i64(list, i, 0);
        m.undo = wm_rows_bool(list, i, 1);
        m.origin = wm_rows_text(list, i, 3);
        m.destination = wm_rows_text(list, i, 4);
        WM_TRY(merge_alone(&m));
        apr_pool_clear(m.pool);
        WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_MERGE_SO_FAR, WM_ARGS(WM_I64(m.id)), m.pool));
        wm_job_note(run, "%s %s %s: %s points, %s repeats", m.origin, m.undo ? "out of" : "into",
                    m.destination, wm_rows_text(rows, 0, 0), wm_rows_text(rows, 0, 1));
    }
    return NULL;
}

const wm_job wm_job_source_merge = {
    .name = "source-merge",
    .summary = "move the data of participants that were merged",
    .every = APR_TIME_C(600) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(12) * 3600 * APR_USEC_PER_SEC,
    .tries = 20,
    .run = source_merge,
};
