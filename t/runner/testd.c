/* SPDX-License-Identifier: Apache-2.0 */
/* The runner with jobs that misbehave on purpose.  testd CONNINFO SLOTS LEASE POLL GRACE, times in
 * milliseconds.  Each run adds a row to the table public.ran (job, run, pid). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <jansson.h>

#include "runner.h"
#include "wm_box.h"
#include "wm_json_own.h"

static const wm_err *ran(wm_job_run *run)
{
    return wm_db_script(run->db,
                        apr_psprintf(run->pool,
                                     "insert into public.ran values (%" APR_INT64_T_FMT
                                     ", %" APR_INT64_T_FMT ", %d)",
                                     run->id, run->state->run_id, (int)getpid()),
                        run->pool);
}

static const wm_err *tally(wm_job_run *run)
{
    WM_TRY(ran(run));
    wm_job_note(run, "study %" APR_INT64_T_FMT ", what %s, params %s", run->study, run->what,
                wm_json_own_text(run->params, run->pool));
    return wm_job_progress(run, 1, 1, "rows", NULL);
}

/* Goes on until it is asked to stop; keeps how often it was interrupted in its cursor. */
static const wm_err *patient(wm_job_run *run)
{
    json_int_t before = json_integer_value(json_object_get(run->cursor, "stops"));

    WM_TRY(ran(run));
    wm_job_note(run, "stopped %d times before", (int)before);
    WM_TRY(wm_job_progress(run, before, 0, "stops", "waiting"));
    while (!*run->stop)
        usleep(5000);
    return wm_job_cursor(run, wm_json_own(json_pack("{s:I}", "stops", before + 1), run->pool));
}

static const wm_err *deaf(wm_job_run *run)
{
    WM_TRY(ran(run));
    for (;;)
        pause();
}

static const wm_err *asleep(wm_job_run *run)
{
    WM_TRY(ran(run));
    return wm_db_script(run->db, "select pg_sleep(600)", run->pool);
}

static const wm_err *crash(wm_job_run *run)
{
    WM_TRY(ran(run));
    signal(SIGABRT, SIG_DFL);
    abort();
}

static const wm_err *fail(wm_job_run *run)
{
    WM_TRY(ran(run));
    return wm_err_make(run->pool, WM_E_SYSTEM, "the disk is full");
}

static const wm_err *input(wm_job_run *run)
{
    WM_TRY(ran(run));
    return wm_err_make(run->pool, WM_E_INPUT, "there is no export 17");
}

/* Holds its own row by a cursor in a transaction for longer than a lease, and shows progress. */
static const wm_err *transaction(wm_job_run *run)
{
    WM_TRY(ran(run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_job_cursor(run, wm_json_own(json_pack("{s:i}", "at", 1), run->pool)));
    for (int i = 0; i < 4; i++) {
        usleep(1000000);
        WM_TRY(wm_job_progress(run, i, 4, "seconds", NULL));
    }
    WM_TRY(wm_job_cursor(run, wm_json_own(json_pack("{s:i}", "at", 2), run->pool)));
    return wm_db_commit(run->db, run->pool);
}

static const wm_job jobs[] = {
    {.name = "tally", .run = tally, .parallel = 8},
    {.name = "one", .run = tally},
    {.name = "patient", .run = patient, .parallel = 3},
    {.name = "deaf", .run = deaf},
    {.name = "late", .run = deaf, .deadline = APR_USEC_PER_SEC, .tries = 2},
    {.name = "asleep", .run = asleep, .deadline = APR_USEC_PER_SEC, .tries = 2},
    {.name = "crash", .run = crash, .tries = 3},
    {.name = "fail", .run = fail, .tries = 2},
    {.name = "input", .run = input},
    {.name = "transaction", .run = transaction},
    {.name = "often", .run = tally, .every = APR_TIME_C(3600) * APR_USEC_PER_SEC},
};
const wm_job *const wm_jobs[] = {&jobs[0], &jobs[1], &jobs[2], &jobs[3], &jobs[4],  &jobs[5],
                                 &jobs[6], &jobs[7], &jobs[8], &jobs[9], &jobs[10], NULL};

static int on_log(void *host, wm_log_level level)
{
    (void)host;
    return level <= WM_LOG_NOTICE;
}

static void log_line(void *host, wm_log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void log_line(void *host, wm_log_level level, const char *fmt, va_list ap)
{
    (void)host;
    (void)level;
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

int main(int argc, char **argv)
{
    static const wm_log log = {.enabled = on_log, .write = log_line};
    wm_runner *runner;
    const wm_err *err;
    apr_pool_t *pool;
    int failed;

    if (argc != 6 || apr_initialize() != APR_SUCCESS)
        return 2;
    apr_pool_create(&pool, NULL);
    runner = apr_pcalloc(pool, sizeof *runner);
    runner->conninfo = argv[1];
    runner->log = &log;
    runner->slots = (int)apr_atoi64(argv[2]);
    runner->lease = apr_atoi64(argv[3]) * 1000;
    runner->poll = apr_atoi64(argv[4]) * 1000;
    runner->grace = apr_atoi64(argv[5]) * 1000;
    runner->patience = APR_USEC_PER_SEC / 2;
    err = wm_box_init(pool);
    if (!err)
        err = wm_runner_begin(runner, pool);
    if (!err)
        err = wm_runner_loop(runner);
    if (err)
        fprintf(stderr, "%s\n", wm_err_text(err, pool));
    failed = err != NULL;
    apr_pool_destroy(pool); /* the leak checker does not look into pools for what they own */
    apr_terminate();
    return failed;
}
