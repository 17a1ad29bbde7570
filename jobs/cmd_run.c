/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>

#include <apr_strings.h>

#include "command.h"
#include "job.h"
#include "job_args.h"
#include "runner.h"
#include "settings.h"

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

typedef struct host {
    wm_run *run;
    int fixed; /* the database is of the command line */
    apr_pool_t *pool;
} host;

static const wm_err *set_time(apr_interval_time_t *time, wm_run *run, const char *option,
                              wm_setting id, int low)
{
    apr_int64_t seconds = apr_time_sec(wm_setting_number(id));

    WM_TRY(wm_job_arg_number(&seconds, run, option, low, 3600));
    *time = apr_time_from_sec(seconds);
    return NULL;
}

/* What the command line says, else the settings. */
static const wm_err *set_up(wm_runner *runner, wm_run *run)
{
    apr_int64_t slots = wm_setting_number(WM_SETTING_PARALLEL);

    WM_TRY(wm_job_arg_number(&slots, run, "parallel", 1, WM_SLOTS_MAX));
    WM_TRY(set_time(&runner->lease, run, "lease", WM_SETTING_LEASE, 2));
    WM_TRY(set_time(&runner->poll, run, "poll", WM_SETTING_POLL, 1));
    WM_TRY(set_time(&runner->grace, run, "grace", WM_SETTING_GRACE, 1));
    runner->slots = (int)slots;
    /* A lease is renewed three times in its life. */
    if (runner->poll > runner->lease / 3)
        runner->poll = runner->lease / 3;
    runner->conninfo = run->conninfo;
    return NULL;
}

/* HUP.  Runs under way keep what they have, being processes of their own. */
static void reload(wm_runner *runner)
{
    host *h = runner->host;
    const char *path = wm_settings_path(h->run->config);
    const wm_settings *settings;
    const wm_err *err;
    apr_pool_t *pool;

    apr_pool_create(&pool, h->run->pool);
    err = wm_settings_read(&settings, path, pool);
    if (err) {
        wm_log_write(runner->log, WM_LOG_ERROR, "WM0620 %s; the settings stay as they were",
                     wm_err_text(err, pool));
        apr_pool_destroy(pool);
        return;
    }
    wm_settings_use(settings);
    if (!h->fixed)
        h->run->conninfo = wm_settings_conninfo();
    (void)set_up(runner, h->run); /* the command line was right before */
    if (h->pool)
        apr_pool_destroy(h->pool);
    h->pool = pool;
    wm_log_write(runner->log, WM_LOG_NOTICE, "WM0621 settings read from %s",
                 path ? path : "the environment");
}

static const wm_err *run_jobs(wm_run *run)
{
    host *h = apr_pcalloc(run->pool, sizeof *h);
    wm_runner *runner;

    if (wm_run_option(run, "once"))
        return once(run, wm_run_option(run, "once"));
    for (const char *const *only = (const char *const[]){"what", "study", "params", NULL}; *only;
         only++)
        if (wm_run_option(run, *only))
            return wm_run_usage(run, "--%s goes with --once", *only);
    h->run = run;
    h->fixed = run->database != NULL;
    runner = apr_pcalloc(run->pool, sizeof *runner);
    runner->log = run->log;
    runner->patience = apr_time_from_sec(5);
    runner->reload = reload;
    runner->host = h;
    WM_TRY(set_up(runner, run));
    WM_TRY(wm_runner_begin(runner, run->pool));
    return wm_runner_loop(runner);
}

const wm_command wm_cmd_run = {
    .name = "run",
    .args = "",
    .needs = WM_NEEDS_SETTINGS,
    .summary = "run jobs as they become due, until a signal ends it",
    .help =
        "Runs the jobs of the database as they become due, each in a process of its own.  Any "
        "number\n"
        "of these may run, on any number of hosts.  TERM and INT end it when its runs have ended,\n"
        "which may take --grace seconds; a second signal hurries them.  HUP reads the\n"
        "settings again and connects anew.\n"
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
