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

static const wm_err *run_jobs(wm_run *run)
{
    return once(run, wm_run_option(run, "once"));
}

const wm_command wm_cmd_run = {
    .name = "run",
    .args = "",
    .summary = "run one job in the foreground",
    .help =
        "Runs one job here and now and ends when it does.  webmunkd --once NAME is short for it.",
    .options = {{.name = "once", .arg = "NAME", .help = "the job", .required = 1},
                {.name = "what", .arg = "TEXT", .help = "tells apart jobs of one name"},
                {.name = "study",
                 .arg = "SLUG",
                 .help = "of this study (default: the whole server)"},
                {.name = "params", .arg = "JSON", .help = "an object, as the job reads it"}},
    .run = run_jobs,
};
