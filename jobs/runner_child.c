/* SPDX-License-Identifier: Apache-2.0 */
/* The process of one run.  It has a connection and a pool of its own and leaves the parent's alone;
 * what became of the run it writes itself, unless it was asked to end: then the parent knows why. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <jansson.h>
#include <libpq-fe.h>

#include "runner.h"
#include "wm_json_own.h"

static volatile sig_atomic_t stop;
static PGcancel *volatile cancel;

/* TERM: soon; once more: now. */
static void on_term(int number)
{
    if (stop) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stop = 1;
}

/* INT: the statement under way ends too; PQcancel is what a handler may call. */
static void on_int(int number)
{
    char reason[256];

    (void)number;
    stop = 1;
    if (cancel)
        PQcancel(cancel, reason, sizeof reason);
}

static void set_signals(void)
{
    struct sigaction action = {.sa_handler = on_term};
    sigset_t none;

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = on_int;
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_DFL;
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* No Ctrl-C of the parent's terminal, and no life after the parent's: whose lease lapses must not go
 * on beside its successor. */
static void tie_to_parent(pid_t parent)
{
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() != parent)
        _exit(WM_CHILD_FAILED);
}

/* *MADE stays NULL when that fails. */
static const wm_err *prepare(wm_job_run **made, const wm_runner *runner, const wm_child *child,
                             apr_pool_t *pool)
{
    wm_job_run *run;
    wm_db *db;

    *made = NULL;
    WM_TRY(wm_db_connect(&db, runner->conninfo, runner->log, pool));
    cancel = PQgetCancel(db->conn);
    run = wm_job_run_make(db, runner->conninfo, runner->log, pool);
    run->id = child->id;
    run->study = child->study;
    run->what = child->what;
    run->stop = &stop;
    run->state->run_id = child->run_id;
    run->state->lease = runner->lease;
    WM_TRY(wm_json_own_parse(&run->params, child->params, strlen(child->params), pool));
    if (child->cursor)
        WM_TRY(wm_json_own_parse(&run->cursor, child->cursor, strlen(child->cursor), pool));
    *made = run;
    return NULL;
}

static const wm_err *finish(const wm_child *child, wm_job_run *run, const wm_err *err)
{
    apr_interval_time_t delay = 0;
    const char *outcome = err ? wm_runner_after(&delay, child->job, child->tries, err) : "done";

    wm_db_settle(run->db);
    WM_TRY(wm_db_revive(run->db, run->pool));
    WM_TRY(wm_job_progress_flush(run));
    if (stop)
        return wm_db_do(NULL, run->db, WM_SQL_JOB_NOTED,
                        WM_ARGS(WM_I64(child->run_id), WM_TEXT(wm_job_noted(run))), run->pool);
    return wm_db_do(NULL, run->db, WM_SQL_JOB_FINISH,
                    WM_ARGS(WM_I64(child->id), WM_I64(child->run_id), WM_TEXT(outcome),
                            WM_TEXT(wm_job_noted(run)),
                            WM_TEXT(err ? wm_err_text(err, run->pool) : NULL),
                            WM_F64((double)delay / APR_USEC_PER_SEC)),
                    run->pool);
}

void wm_child_main(const wm_runner *runner, const wm_child *child)
{
    const wm_err *err, *unwritten = NULL;
    apr_pool_t *pool;
    wm_job_run *run = NULL;

    tie_to_parent(runner->pid);
    /* The number only: with PQfinish the parent's session would end. */
    if (runner->db)
        close(PQsocket(runner->db->conn));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    set_signals();
    apr_pool_create(&pool, NULL);
    err = prepare(&run, runner, child, pool);
    if (!err) {
        err = child->job->run(run);
        if (err)
            wm_log_write(runner->log, stop ? WM_LOG_INFO : WM_LOG_ERROR,
                         "WM0410 job %" APR_INT64_T_FMT ", %s%s%s: %s", child->id, child->job->name,
                         child->what[0] ? " " : "", child->what, wm_err_text(err, pool));
        unwritten = finish(child, run, err);
    }
    if (unwritten || !run)
        wm_log_write(runner->log, WM_LOG_ERROR, "WM0411 job %" APR_INT64_T_FMT ", %s: %s",
                     child->id, child->job->name, wm_err_text(unwritten ? unwritten : err, pool));
    fflush(NULL);
    _exit(unwritten || !run ? WM_CHILD_FAILED : stop ? WM_CHILD_STOPPED : WM_CHILD_RECORDED);
}
