/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "job.h"
#include "runner.h"
#include "wm_json_own.h"

static const char *job_names(apr_pool_t *pool)
{
    const char *list = NULL;

    for (int i = 0; wm_jobs[i]; i++)
        list = list ? apr_pstrcat(pool, list, ", ", wm_jobs[i]->name, NULL) : wm_jobs[i]->name;
    return list;
}

static const wm_err *params_of(json_t **params, wm_run *run)
{
    const char *text = wm_run_option(run, "params");
    const wm_err *err;

    if (!text) {
        *params = wm_json_own(json_object(), run->pool);
        return NULL;
    }
    err = wm_json_own_parse(params, text, strlen(text), run->pool);
    return err || !json_is_object(*params)
               ? wm_run_usage(run, "--params must be a JSON object like {\"export\": 17}")
               : NULL;
}

static volatile sig_atomic_t stop;

/* The first asks, the second ends; a job may be killed anywhere. */
static void on_stop(int number)
{
    stop = 1;
    signal(number, SIG_DFL);
}

static const wm_err *once(wm_run *run, const char *name)
{
    const wm_job *job = wm_job_find(name);
    const wm_err *err;
    wm_job_run *one;
    wm_db *db;

    if (!job)
        return wm_run_usage(run, "there is no job \"%s\"; there are %s", name,
                            job_names(run->pool));
    WM_TRY(wm_db_connect(&db, run->conninfo, run->log, run->pool));
    run->db = db;
    one = wm_job_run_make(db, run->conninfo, run->log, run->pool);
    WM_TRY(params_of(&one->params, run));
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

static const wm_err *number(apr_int64_t *value, wm_run *run, const char *option, int low, int high)
{
    const char *text = wm_run_option(run, option);
    char *end;

    if (!text)
        return NULL;
    *value = apr_strtoi64(text, &end, 10);
    if (end == text || *end || *value < low || *value > high)
        return wm_run_usage(run, "--%s is \"%s\" and must be a number from %d to %d", option, text,
                            low, high);
    return NULL;
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
    WM_TRY(number(&slots, run, "parallel", 1, WM_SLOTS_MAX));
    WM_TRY(number(&lease, run, "lease", 2, 3600));
    WM_TRY(number(&poll, run, "poll", 1, 3600));
    WM_TRY(number(&grace, run, "grace", 1, 3600));
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
