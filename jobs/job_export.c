/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <apr_strings.h>
#include <jansson.h>

#include "exports.h"
#include "job.h"
#include "wm_export_archive.h"
#include "wm_json_own.h"
#include "wm_pace.h"

#define LOOK_EVERY APR_USEC_PER_SEC
#define LOCK_WAIT  (10 * APR_USEC_PER_SEC) /* for the connection of one that was killed */
#define NAP        (APR_USEC_PER_SEC / 10)

enum { ROOM_MIN = 1024 * 1024 };

typedef struct making {
    wm_job_run *run;
    wm_exports exports;
    apr_int64_t id;
    wm_export_archive *archive;
    wm_export_watch watch;
    wm_pace *pace;
    apr_time_t looked;
    int stopped;   /* asked to end */
    int cancelled; /* and for good */
} making;

/* Has the runner been told to end, or somebody cancelled?  The latter is asked once a second. */
static int stopped(void *host)
{
    making *m = host;
    apr_time_t now = apr_time_now();
    apr_pool_t *pool;
    wm_rows *rows;

    if (*m->run->stop)
        m->stopped = 1;
    if (m->stopped || now - m->looked < LOOK_EVERY)
        return m->stopped;
    m->looked = now;
    apr_pool_create(&pool, m->run->pool);
    if (!wm_db_rows(&rows, m->run->db, WM_SQL_EXPORT_ASKED_TO_END, WM_ARGS(WM_I64(m->id)), pool) &&
        (!wm_rows_count(rows) || wm_rows_bool(rows, 0, 0)))
        m->stopped = 1;
    apr_pool_destroy(pool);
    return m->stopped;
}

static const wm_err *progress(void *host, apr_int64_t rows, apr_int64_t total, const char *note)
{
    making *m = host;

    wm_pace_rest(m->pace);
    return wm_job_progress(m->run, rows, total > 0 ? total : 0, "rows", note);
}

static const wm_err *say(making *m, const char *words)
{
    return wm_db_do(NULL, m->run->db, WM_SQL_EXPORT_ERROR, WM_ARGS(WM_I64(m->id), WM_TEXT(words)),
                    m->run->pool);
}

/* The disk is full: say so, and go on when there is room for what did not fit and some more. */
static const wm_err *wait_for_room(making *m)
{
    apr_int64_t needed = ROOM_MIN + m->archive->stuck + m->archive->stuck / 4, room;
    struct statvfs disk;
    const char *words;

    words = apr_psprintf(m->run->pool,
                         "the disk of %s is full; the export waits for %" APR_INT64_T_FMT
                         " MB of room and goes on by itself",
                         m->exports.setup.dir, needed / 1000000 + 1);
    wm_job_note(m->run, "%s", words);
    WM_TRY(say(m, words));
    do {
        if (stopped(m))
            return NULL;
        WM_TRY(wm_job_progress(m->run, 0, 0, "rows", "waiting for room on the disk"));
        apr_sleep(NAP);
        room = statvfs(m->exports.setup.dir, &disk)
                   ? 0
                   : (apr_int64_t)((apr_uint64_t)disk.f_bavail * disk.f_frsize);
    } while (room < needed);
    return say(m, NULL);
}

/* Deliveries to all who want it, each with its job, in the transaction that says it is ready. */
static const wm_err *add_deliveries(making *m)
{
    apr_pool_t *pool = m->run->pool;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_EXPORT_DELIVER, WM_ARGS(WM_I64(m->id)), pool));
    for (int i = 0; i < wm_rows_count(rows); i++) {
        apr_int64_t delivery = wm_rows_i64(rows, i, 0), job;
        const char *what = apr_psprintf(pool, "delivery %" APR_INT64_T_FMT, delivery);
        json_t *params = wm_json_own(json_pack("{s:I}", "delivery", (json_int_t)delivery), pool);

        WM_TRY(wm_job_add(&job, m->run->db, "deliver", what, m->archive->definition->study, params,
                          0, pool));
        WM_TRY(wm_db_do(NULL, m->run->db, WM_SQL_EXPORT_DELIVERY_JOB,
                        WM_ARGS(WM_I64(delivery), WM_I64(job)), pool));
    }
    return NULL;
}

static const wm_err *announce(int *done, making *m, const char *path, apr_int64_t bytes,
                              const char *sha)
{
    apr_pool_t *pool = m->run->pool;
    apr_int64_t changed;

    WM_TRY(wm_db_begin(m->run->db, pool));
    WM_TRY(wm_db_do(&changed, m->run->db, WM_SQL_EXPORT_READY,
                    WM_ARGS(WM_I64(m->id), WM_TEXT(path),
                            WM_TEXT(wm_export_archive_name(m->archive, pool)), WM_I64(bytes),
                            WM_TEXT(sha), WM_I64(m->exports.keep)),
                    pool));
    *done = changed > 0;
    if (*done)
        WM_TRY(add_deliveries(m));
    return wm_db_commit(m->run->db, pool);
}

static const wm_err *finish(making *m)
{
    unsigned char sha[WM_ZIP_SHA256];
    char hex[2 * WM_ZIP_SHA256 + 1];
    const char *path, *file;
    apr_int64_t bytes;
    const wm_err *err;
    int done = 0;

    WM_TRY(wm_export_archive_join(&path, m->archive, m->exports.key_path, m->run->pool));
    file = apr_pstrcat(m->run->pool, m->exports.setup.dir, "/", path, NULL);
    WM_TRY(wm_zip_digest(&bytes, sha, file, m->run->pool));
    for (int i = 0; i < WM_ZIP_SHA256; i++)
        apr_snprintf(hex + 2 * i, 3, "%02x", sha[i]);
    err = announce(&done, m, path, bytes, hex);
    if (err) {
        wm_db_rollback(m->run->db);
        return err;
    }
    if (!done) {
        unlink(file);
        m->stopped = 1;
        return NULL;
    }
    wm_export_archive_clean(m->exports.setup.dir, m->id, m->run->pool);
    wm_job_note(m->run, "%s: %" APR_INT64_T_FMT " bytes%s", path, bytes,
                m->exports.key_path ? "" : ", unsigned");
    return NULL;
}

static const wm_err *make(making *m)
{
    const wm_err *err;

    for (;;) {
        err = wm_export_archive_fill(m->archive, m->run->pool);
        if (!err)
            err = finish(m);
        if (!err || !m->archive->full || m->stopped)
            return err;
        WM_TRY(wait_for_room(m));
        if (m->stopped)
            return NULL;
    }
}

/* Somebody asked to end: for good, or because this runner ends and another goes on. */
static const wm_err *leave(making *m)
{
    apr_pool_t *pool = m->run->pool;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_EXPORT_ASKED_TO_END, WM_ARGS(WM_I64(m->id)), pool));
    if (wm_rows_count(rows) && !wm_rows_bool(rows, 0, 0)) {
        wm_job_note(m->run, "stopped; the next run goes on");
        return NULL;
    }
    WM_TRY(wm_db_do(NULL, m->run->db, WM_SQL_EXPORT_CANCELLED, WM_ARGS(WM_I64(m->id)), pool));
    wm_export_archive_clean(m->exports.setup.dir, m->id, pool);
    wm_job_note(m->run, "cancelled");
    return NULL;
}

/* What is wrong with the definition stays wrong; anything else is tried again. */
static const wm_err *fail(making *m, const wm_err *err)
{
    const char *words = wm_err_text(err, m->run->pool);
    wm_sql_id statement = err->code == WM_E_INPUT ? WM_SQL_EXPORT_FAIL : WM_SQL_EXPORT_ERROR;

    wm_db_settle(m->run->db);
    wm_db_do(NULL, m->run->db, statement, WM_ARGS(WM_I64(m->id), WM_TEXT(words)), m->run->pool);
    return err;
}

static const wm_err *lock(making *m)
{
    apr_time_t until = apr_time_now() + LOCK_WAIT;
    wm_rows *rows;

    for (;;) {
        WM_TRY(wm_db_rows(&rows, m->run->db, WM_SQL_EXPORT_LOCK, WM_ARGS(WM_I64(m->id)),
                          m->run->pool));
        if (wm_rows_bool(rows, 0, 0))
            return NULL;
        if (apr_time_now() > until || *m->run->stop)
            return wm_err_make(m->run->pool, WM_E_BUSY,
                               "another process makes export %" APR_INT64_T_FMT, m->id);
        apr_sleep(NAP);
    }
}

/* m->archive stays NULL when that is stopped while it waits for a merge of participants. */
static const wm_err *open_archive(making *m, wm_db *reader)
{
    for (;;) {
        WM_TRY(wm_export_archive_open(&m->archive, m->run->db, reader, m->id, &m->exports.setup,
                                      &m->watch, m->run->pool));
        if (m->archive || stopped(m))
            return NULL;
        WM_TRY(progress(m, 0, 0, "waiting for a merge of participants"));
        apr_sleep(NAP);
    }
}

/* Nobody waits for an export as browsers wait for the answer to an upload.  Where that is not allowed it
 * goes on as it is.  What PostgreSQL does for it is held back by m->pace: it sends no more than is taken. */
static void give_way(void)
{
    enum { IOPRIO_WHO_PROCESS = 1, IOPRIO_BE_LOWEST = 2 << 13 | 7, NICE_LOWEST = 19 };

    setpriority(PRIO_PROCESS, 0, NICE_LOWEST);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BE_LOWEST);
}

static const wm_err *export_run(wm_job_run *run)
{
    making m = {.run = run};
    const wm_err *err;
    wm_db *reader;

    give_way();

    m.id = json_integer_value(json_object_get(run->params, "export"));
    if (!m.id)
        return wm_err_make(run->pool, WM_E_INPUT, "the job export needs params {\"export\": N}");
    m.watch = (wm_export_watch){.stopped = stopped, .progress = progress, .host = &m};
    WM_TRY(wm_exports_read(&m.exports, run->pool));
    WM_TRY(lock(&m));
    WM_TRY(wm_db_connect(&reader, run->conninfo, run->log, run->pool));
    m.pace = wm_pace_create(reader, run->pool);
    err = open_archive(&m, reader);
    if (err && err->code == WM_E_NOT_FOUND) {
        wm_job_note(run, "%s", err->why);
        return NULL;
    }
    if (!err && m.archive)
        err = make(&m);
    if (m.stopped)
        return leave(&m);
    return err ? fail(&m, err) : NULL;
}

const wm_job wm_job_export = {
    .name = "export",
    .summary = "make the archive of an export",
    .deadline = APR_TIME_C(86400) * APR_USEC_PER_SEC,
    .parallel = 2,
    .run = export_run,
};
