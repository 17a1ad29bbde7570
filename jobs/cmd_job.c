/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "job.h"
#include "job_args.h"
#include "wm_json_own.h"

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text ? text : "";
}

/* "done 10 of 80 rows", the reason of a failure, or nothing. */
static const char *remark(const json_t *row, apr_pool_t *pool)
{
    const json_t *p = json_object_get(row, "progress");
    json_int_t total = json_integer_value(json_object_get(p, "total"));

    if (text_of(row, "error")[0])
        return text_of(row, "error");
    if (!json_is_object(p) || strcmp(text_of(row, "state"), "running"))
        return "";
    return apr_psprintf(pool, "%" APR_INT64_T_FMT "%s %s",
                        (apr_int64_t)json_integer_value(json_object_get(p, "done")),
                        total ? apr_psprintf(pool, " of %" APR_INT64_T_FMT, (apr_int64_t)total)
                              : "",
                        text_of(p, "unit"));
}

static const wm_err *list(wm_run *run)
{
    static const char *const states[] = {"", "ready", "running", "done", "failed", "cancelled"};
    const char *state = wm_run_option(run, "state");
    const char *name = wm_run_option(run, "name");
    apr_int64_t limit = 50;
    json_t *root, *row;
    size_t i, known = !state;

    for (i = 0; state && i < sizeof states / sizeof *states; i++)
        known |= !strcmp(states[i], state);
    if (!known)
        return wm_run_usage(run, "--state is ready, running, done, failed or cancelled");
    WM_TRY(wm_job_arg_number(&limit, run, "limit", 1, 10000));
    WM_TRY(wm_db_json(
        &root, run->db, WM_SQL_JOB_LIST,
        WM_ARGS(WM_TEXT(state ? state : ""), WM_TEXT(name ? name : ""), WM_I64(limit)), run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%8s %-9s %-20s %-28s %s\n", "id", "state", "due or finished", "job", "");
    json_array_foreach(root, i, row)
    {
        const char *what = text_of(row, "what");

        printf("%8" APR_INT64_T_FMT " %-9s %-20s %-28s %s\n",
               (apr_int64_t)json_integer_value(json_object_get(row, "id")), text_of(row, "state"),
               text_of(row, "at"),
               apr_pstrcat(run->pool, text_of(row, "name"), *what ? " " : "", what, NULL),
               remark(row, run->pool));
    }
    return NULL;
}

static const wm_err *id_of(apr_int64_t *id, wm_run *run)
{
    char *end;

    *id = apr_strtoi64(run->args[0], &end, 10);
    return end == run->args[0] || *end
               ? wm_run_usage(run, "\"%s\" is no number; \"webmunkd job list\" has them",
                              run->args[0])
               : NULL;
}

static const wm_err *show(wm_run *run)
{
    apr_int64_t id;
    json_t *root;

    WM_TRY(id_of(&id, run));
    WM_TRY(wm_db_json(&root, run->db, WM_SQL_JOB_SHOW, WM_ARGS(WM_I64(id)), run->pool));
    if (!root)
        return wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no job %s", run->args[0]);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    putchar('\n');
    return NULL;
}

/* Due at once; the runner is woken by the insert. */
static const wm_err *add(wm_run *run)
{
    const char *what = wm_run_option(run, "what");
    apr_int64_t id, study = 0;
    const wm_job *job;
    json_t *params;

    WM_TRY(wm_job_arg_job(&job, run, run->args[0]));
    WM_TRY(wm_job_arg_params(&params, run));
    WM_TRY(wm_run_study(&study, run));
    WM_TRY(wm_job_add(&id, run->db, job->name, what, study, params, 0, run->pool));
    printf("job %" APR_INT64_T_FMT "\n", id);
    return NULL;
}

static const wm_err *change(wm_run *run, wm_sql_id statement, const char *action,
                            const char *refusal)
{
    apr_int64_t id, changed;

    WM_TRY(id_of(&id, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, statement, WM_ARGS(WM_I64(id)), run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_CONFLICT, "job %s %s", run->args[0], refusal);
    WM_TRY(wm_run_audit(run, action, apr_pstrcat(run->pool, "job:", run->args[0], NULL)));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *cancel(wm_run *run)
{
    return change(run, WM_SQL_JOB_CANCEL, "job-cancel", "neither waits nor runs");
}

static const wm_err *retry(wm_run *run)
{
    return change(run, WM_SQL_JOB_RETRY, "job-retry",
                  "is done, runs, or another of its name waits or runs already");
}

const wm_command wm_cmd_job_list = {
    .name = "job list",
    .args = "",
    .summary = "list jobs, those that wait or run first",
    .help = "Lists jobs, those that wait or run first, then the newest.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "state",
                 .arg = "STATE",
                 .help = "ready, running, done, failed or cancelled"},
                {.name = "name", .arg = "NAME", .help = "of this name"},
                {.name = "limit", .arg = "N", .help = "so many (default: 50)"},
                {.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_job_show = {
    .name = "job show",
    .args = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "show a job and its runs, as JSON",
    .help = "Shows a job, its progress and the history of its runs, as JSON.",
    .needs = WM_NEEDS_DATABASE,
    .run = show,
};

const wm_command wm_cmd_job_run = {
    .name = "job run",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "have a runner run a job now",
    .help = "Adds a job that is due at once and prints its number; the number of the one that "
            "waits or\n"
            "runs already, if there is one of the same name and --what.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "what", .arg = "TEXT", .help = "tells apart jobs of one name"},
                {.name = "study",
                 .arg = "SLUG",
                 .help = "of this study (default: the whole server)"},
                {.name = "params", .arg = "JSON", .help = "an object, as the job reads it"}},
    .run = add,
};

const wm_command wm_cmd_job_cancel = {
    .name = "job cancel",
    .args = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "cancel a job that waits or runs",
    .help = "Asks a job that waits or runs to end; its runner does so within seconds.",
    .needs = WM_NEEDS_DATABASE,
    .run = cancel,
};

const wm_command wm_cmd_job_retry = {
    .name = "job retry",
    .args = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "try a failed or cancelled job again, now",
    .help = "Makes a job that failed or was cancelled due again, with all its tries, where its "
            "last run\n"
            "stopped; one that waits for its next try is due now.",
    .needs = WM_NEEDS_DATABASE,
    .run = retry,
};
