/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>

#include <apr_strings.h>

#include "command.h"
#include "job.h"
#include "job_args.h"
#include "runner.h"

static volatile sig_atomic_t stop;

/* The first asks, the second ends; a job may be killed anywhere. */
static void on_stop(int number)
{
    stop = 1;
    signal(number, SIG_DFL);
}

static const wm_err *once(wm_run *run, const char *name)
{
    const wm_job *job;
    const wm_err *err;
    wm_job_run *one;
    wm_db *db;

    WM_TRY(wm_job_arg_job(&job, run, name));
    WM_TRY(wm_db_connect(&db, run->conninfo, run->log, run->pool));
    run->db = db;
    one = wm_job_run_make(db, run->conninfo, run->log, run->pool);
    WM_TRY(wm_job_arg_params(&one->params, run));
    WM_TRY(wm_run_study(&one->study, run));
    if (wm_run_option(run, "what"))
        one->what = wm_run_option(run, "what");
    one->show = 1;
    one->stop = &stop;
    signal(SIGINT, on_stop);
    signal(SIGTERM, on_stop);
    err = job->run(one);
    if (!err)
        err = wm_job_progress_flush(one);
    if (!err && wm_job_noted(one)[0])
        printf("%s\n", wm_job_noted(one));
    if (!err && stop)
        return wm_err_make(run->pool, WM_E_BUSY, "stopped before its end");
    return err;
}

static const wm_err *run_jobs(wm_run *run)
{
    apr_int64_t slots = 4, lease = 60, poll = 5, grace = 30;
    wm_runner *runner;

    if (wm_run_option(run, "once"))
        return once(run, wm_run_option(run, "once"));
    for (const char *const *only = (const char *const[]){"what", "study", "params", NULL}; *only;
         only++)
        if (wm_run_option(run, *only))
            return wm_run_usage(run, "--%s goes with --once", *only);
    WM_TRY(wm_job_arg_number(&slots, run, "parallel", 1, WM_SLOTS_MAX));
    WM_TRY(wm_job_arg_number(&lease, run, "lease", 2, 3600));
    WM_TRY(wm_job_arg_number(&poll, run, "poll", 1, 3600));
    WM_TRY(wm_job_arg_number(&grace, run, "grace", 1, 3600));
    runner = apr_pcalloc(run->pool, sizeof *runner);
    runner->conninfo = run->conninfo;
    runner->log = run->log;
    runner->slots = (int)slots;
    runner->lease = apr_time_from_sec(lease);
    /* A lease is renewed three times in its life. */
    runner->poll =
        apr_time_from_sec(poll) < runner->lease / 3 ? apr_time_from_sec(poll) : runner->lease / 3;
    runner->grace = apr_time_from_sec(grace);
    runner->patience = apr_time_from_sec(5);
    WM_TRY(wm_runner_begin(runner, run->pool));
    return wm_runner_loop(runner);
}

const wm_command wm_cmd_run = {
    .name = "run",
    .args = "",
    .summary = "run jobs as they become due, until a signal ends it",
    .help =
        "Runs the jobs of the database as they become due, each in a process of its own.  Any "
        "number\n"
        "of these may run, on any number of hosts.  TERM and INT end it when its runs have ended,\n"
        "which may take --grace seconds; a second signal hurries them.  HUP connects anew.\n"
        "\n"
        "webmunkd --once NAME runs one job here and now and ends when it does.",
    .options = {{.name = "parallel", .arg = "N", .help = "so many runs at once (default: 4)"},
                {.name = "lease",
                 .arg = "SECONDS",
                 .help = "runs of a runner that is silent so long are others' (default: 60)"},
                {.name = "poll",
                 .arg = "SECONDS",
                 .help = "look for due jobs so often, woken or not (default: 5)"},
                {.name = "grace",
                 .arg = "SECONDS",
                 .help = "how long a run may take to stop when asked (default: 30)"},
                {.name = "once", .arg = "NAME", .help = "run this job in the foreground"},
                {.name = "what", .arg = "TEXT", .help = "tells apart jobs of one name"},
                {.name = "study",
                 .arg = "SLUG",
                 .help = "of this study (default: the whole server)"},
                {.name = "params", .arg = "JSON", .help = "an object, as the job reads it"}},
    .run = run_jobs,
};
