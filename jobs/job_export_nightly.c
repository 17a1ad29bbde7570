/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "job.h"
#include "wm_export.h"
#include "wm_json_own.h"

enum { GRACE = 300, DAYS_A_RUN = 14, BACKLOG_PRIORITY = -10 };

#define PROFILE "nightly"

/* exports.md section 2, in the order of the reference's list. */
static const char *const nightly_types[] = {
    "pdk-external-amazon-item",
    "webmunk-extension-class-added",
    "webmunk-extension-element-click",
    "webmunk-extension-matched-rule",
    "webmunk-extension-element-show",
    "webmunk-extension-element-hide",
    "webmunk-extension-log-elements",
    "webmunk-extension-scroll-position",
    "webmunk-visibility-export",
    "webmunk-extension-action",
    "webmunk-amazon-order",
    "webmunk-local-tasks",
};

/* What an operator may say in the schedule's params. */
typedef struct settings {
    apr_int64_t grace;      /* "grace": seconds after midnight */
    apr_int64_t days;       /* "days": so many exports are added by one run */
    const char *since;      /* "since": the first day of all */
    const json_t *template; /* "definition": members that take the place of ours */
} settings;

static const wm_err *read_settings(settings *s, const wm_job_run *run)
{
    const json_t *grace = json_object_get(run->params, "grace");
    const json_t *days = json_object_get(run->params, "days");

    s->grace = grace ? json_integer_value(grace) : GRACE;
    s->days = days ? json_integer_value(days) : DAYS_A_RUN;
    s->since = json_string_value(json_object_get(run->params, "since"));
    s->template = json_object_get(run->params, "definition");
    if (s->grace < 0 || s->days < 1 || (s->template && !json_is_object(s->template)))
        return wm_err_make(run->pool, WM_E_INPUT,
                           "the params of export-nightly are numbers \"grace\" and \"days\", a day "
                           "\"since\" and an object \"definition\"");
    return NULL;
}

/* One local day of a study, as an export's definition. */
static json_t *day_definition(const settings *s, apr_int64_t study, const char *day,
                              const char *zone, apr_pool_t *pool)
{
    json_t *types = json_array(), *root;

    for (size_t i = 0; i < sizeof nightly_types / sizeof *nightly_types; i++)
        json_array_append_new(types, json_string(nightly_types[i]));
    root = json_pack("{s:o, s:b}", "types", types, "sensitive", 1);
    if (s->template)
        json_object_update(root, (json_t *)s->template);
    json_object_set_new(root, "study", json_integer(study));
    json_object_set_new(root, "from", json_string(day));
    json_object_set_new(root, "to", json_string(day));
    json_object_set_new(root, "zone", json_string(zone));
    json_object_set_new(root, "clock", json_string("recorded"));
    json_object_set_new(root, "archives", json_string("one"));
    return wm_json_own(root, pool);
}

/* Ask for the export of the newest day that has none; *MADE is 0 when there is no such day. */
static const wm_err *next_day(int *made, wm_job_run *run, const settings *s, apr_pool_t *pool)
{
    wm_export_definition *definition;
    const char *day, *text;
    wm_rows *days, *rows;
    apr_int64_t study;

    *made = 0;
    WM_TRY(wm_db_rows(&days, run->db, WM_SQL_EXPORT_DAYS_NEXT,
                      WM_ARGS(WM_TEXT(PROFILE), WM_TIME(run->now)), pool));
    if (!wm_rows_count(days))
        return NULL;
    study = wm_rows_i64(days, 0, 0);
    day = wm_rows_text(days, 0, 1);
    WM_TRY(wm_export_define(
        &definition, day_definition(s, study, day, wm_rows_text(days, 0, 2), pool), run->db, pool));
    text = wm_export_canonical(definition, pool);
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_ADD,
                      WM_ARGS(WM_I64(0), WM_TEXT("every night"), WM_TEXT(PROFILE), WM_TEXT(text),
                              WM_I64(wm_rows_bool(days, 0, 3) ? BACKLOG_PRIORITY : 0)),
                      pool));
    WM_TRY(wm_db_do(
        NULL, run->db, WM_SQL_EXPORT_DAYS_MADE,
        WM_ARGS(WM_I64(study), WM_TEXT(PROFILE), WM_TEXT(day), WM_I64(wm_rows_i64(rows, 0, 0))),
        pool));
    *made = 1;
    return NULL;
}

static const wm_err *one_day(int *made, wm_job_run *run, const settings *s)
{
    apr_pool_t *pool;
    const wm_err *err;

    apr_pool_create(&pool, run->pool);
    err = wm_db_begin(run->db, pool);
    if (!err)
        err = next_day(made, run, s, pool);
    if (!err)
        err = wm_db_commit(run->db, pool);
    if (err) {
        err = wm_err_wrap(run->pool, err, "the export of a day");
        wm_db_rollback(run->db);
        return err;
    }
    apr_pool_destroy(pool);
    return NULL;
}

static const wm_err *export_nightly(wm_job_run *run)
{
    apr_int64_t made = 0;
    wm_rows *rows;
    settings s;
    int one = 1;

    WM_TRY(read_settings(&s, run));
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_EXPORT_DAYS_PLAN,
                    WM_ARGS(WM_TEXT(PROFILE), WM_TIME(run->now), WM_I64(s.grace), WM_TEXT(s.since)),
                    run->pool));
    while (one && made < s.days && !*run->stop) {
        WM_TRY(one_day(&one, run, &s));
        made += one;
    }
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_EXPORT_DAYS_WAITING, WM_ARGS(WM_TEXT(PROFILE)),
                      run->pool));
    wm_job_note(run, "%" APR_INT64_T_FMT " days asked for, %s wait", made,
                wm_rows_text(rows, 0, 0));
    return NULL;
}

const wm_job wm_job_export_nightly = {
    .name = "export-nightly",
    .summary = "ask for an export of every day that is over, study by study",
    .every = APR_TIME_C(60) * APR_USEC_PER_SEC,
    .run = export_nightly,
};
