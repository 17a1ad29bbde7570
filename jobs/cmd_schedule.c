/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "command.h"
#include "job.h"
#include "job_args.h"
#include "wm_json_own.h"

static const wm_err *list(wm_run *run)
{
    json_t *root, *row;
    size_t i;

    WM_TRY(wm_db_json(&root, run->db, WM_SQL_JOB_SCHEDULE_LIST, WM_NO_ARGS, run->pool));
    if (wm_run_option(run, "json")) {
        puts(wm_json_own_text(root, run->pool));
        return NULL;
    }
    printf("%6s %-28s %-32s %-20s %s\n", "id", "job", "when", "next", "");
    json_array_foreach(root, i, row)
    {
        const char *what = json_string_value(json_object_get(row, "what"));
        const char *zone = json_string_value(json_object_get(row, "time_zone"));
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *when = json_string_value(json_object_get(row, "when"));
        int paused = json_is_true(json_object_get(row, "paused"));

        if (strncmp(when, "every", 5))
            when = apr_pstrcat(run->pool, when, " ", zone, NULL);
        printf("%6" APR_INT64_T_FMT " %-28s %-32s %-20s %s%s\n",
               (apr_int64_t)json_integer_value(json_object_get(row, "id")),
               apr_pstrcat(run->pool, name, *what ? " " : "", what, NULL), when,
               paused ? "paused" : json_string_value(json_object_get(row, "next_due")),
               json_is_true(json_object_get(row, "built_in")) ? "built in" : "",
               wm_job_find(name) ? "" : "no such job in this program");
    }
    return NULL;
}

static const char *option_or(const wm_run *run, const char *name)
{
    const char *value = wm_run_option(run, name);

    return value ? value : "";
}

static const wm_err *add(wm_run *run)
{
    const char *every = option_or(run, "every");
    const char *daily = option_or(run, "daily-at");
    const char *cron = option_or(run, "cron");
    apr_int64_t study = 0;
    const wm_err *err;
    const wm_job *job;
    json_t *params;
    wm_rows *rows;

    if (!!*every + !!*daily + !!*cron != 1)
        return wm_run_usage(run, "schedule add needs one of --every, --daily-at and --cron");
    WM_TRY(wm_job_arg_job(&job, run, run->args[0]));
    WM_TRY(wm_job_arg_params(&params, run));
    WM_TRY(wm_run_study(&study, run));
    WM_TRY(wm_db_begin(run->db, run->pool));
    err = wm_db_rows(&rows, run->db, WM_SQL_JOB_SCHEDULE_ADD,
                     WM_ARGS(WM_TEXT(job->name), WM_TEXT(option_or(run, "what")), WM_I64(study),
                             WM_TEXT(every), WM_TEXT(daily), WM_TEXT(cron),
                             WM_TEXT(option_or(run, "time-zone")),
                             WM_TEXT(wm_json_own_text(params, run->pool))),
                     run->pool);
    if (err && !strcmp(err->sqlstate, "23505"))
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "%s has a schedule already; another needs another --what", job->name);
    /* Data exceptions and checks: a time, zone or expression that is none. */
    if (err && (!strncmp(err->sqlstate, "22", 2) || !strncmp(err->sqlstate, "23", 2)))
        return wm_run_usage(run, "the schedule is refused: %s", wm_err_text(err, run->pool));
    WM_TRY(err);
    WM_TRY(wm_run_audit(run, "schedule-add",
                        apr_pstrcat(run->pool, "schedule:", wm_rows_text(rows, 0, 0), NULL)));
    WM_TRY(wm_db_commit(run->db, run->pool));
    printf("schedule %s, next %s\n", wm_rows_text(rows, 0, 0), wm_rows_text(rows, 0, 1));
    return NULL;
}

static const wm_err *change(wm_run *run, wm_sql_id statement, wm_args args, const char *action,
                            const char *refusal)
{
    apr_int64_t changed;

    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(wm_db_do(&changed, run->db, statement, args, run->pool));
    if (!changed)
        return wm_err_make(run->pool, WM_E_NOT_FOUND, "there is no schedule \"%s\"%s", run->args[0],
                           refusal);
    WM_TRY(wm_run_audit(run, action, apr_pstrcat(run->pool, "schedule:", run->args[0], NULL)));
    return wm_db_commit(run->db, run->pool);
}

static const wm_err *pause_it(wm_run *run)
{
    return change(run, WM_SQL_JOB_SCHEDULE_PAUSE, WM_ARGS(WM_TEXT(run->args[0]), WM_BOOL(1)),
                  "schedule-pause", "");
}

static const wm_err *resume(wm_run *run)
{
    return change(run, WM_SQL_JOB_SCHEDULE_PAUSE, WM_ARGS(WM_TEXT(run->args[0]), WM_BOOL(0)),
                  "schedule-resume", "");
}

static const wm_err *remove_it(wm_run *run)
{
    return change(run, WM_SQL_JOB_SCHEDULE_REMOVE, WM_ARGS(WM_TEXT(run->args[0])),
                  "schedule-remove", " to remove; a built-in one can be paused");
}

const wm_command wm_cmd_schedule_list = {
    .name = "schedule list",
    .args = "",
    .summary = "list when jobs are run by themselves",
    .help = "Lists schedules by the name of their job; times are UTC.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "json", .help = "as JSON"}},
    .run = list,
};

const wm_command wm_cmd_schedule_add = {
    .name = "schedule add",
    .args = "NAME",
    .args_min = 1,
    .args_max = 1,
    .summary = "have a job run by itself",
    .help =
        "Has a job run every so often, every day at a local time, or when a cron expression says:\n"
        "minute hour day month weekday, with lists, ranges, steps and names.  Ticks that are "
        "missed\n"
        "are made up for once.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "every", .arg = "INTERVAL", .help = "\"10 minutes\", \"1 day\""},
                {.name = "daily-at", .arg = "HH:MM", .help = "every day at this time"},
                {.name = "cron", .arg = "EXPRESSION", .help = "\"30 2 * * mon-fri\""},
                {.name = "time-zone",
                 .arg = "ZONE",
                 .help = "of these times (default: the study's, else UTC)"},
                {.name = "what", .arg = "TEXT", .help = "tells apart jobs of one name"},
                {.name = "study",
                 .arg = "SLUG",
                 .help = "of this study (default: the whole server)"},
                {.name = "params", .arg = "JSON", .help = "an object, as the job reads it"}},
    .run = add,
};

const wm_command wm_cmd_schedule_pause = {
    .name = "schedule pause",
    .args = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "pause a schedule",
    .help = "Pauses a schedule, by its number or by the name of its job.  What runs goes on.",
    .needs = WM_NEEDS_DATABASE,
    .run = pause_it,
};

const wm_command wm_cmd_schedule_resume = {
    .name = "schedule resume",
    .args = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "end the pause of a schedule",
    .help = "Ends the pause of a schedule, by its number or by the name of its job.  If a tick was "
            "missed,\n"
            "its job is due at once, one time.",
    .needs = WM_NEEDS_DATABASE,
    .run = resume,
};

const wm_command wm_cmd_schedule_remove = {
    .name = "schedule remove",
    .args = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "remove a schedule that somebody added",
    .help = "Removes a schedule, by its number or by the name of its job; a built-in one can be "
            "paused.",
    .needs = WM_NEEDS_DATABASE,
    .run = remove_it,
};
