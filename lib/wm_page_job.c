/* SPDX-License-Identifier: Apache-2.0 */
/* The page System: what runs, what is due, and how it went (dashboard document, 11.14). */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_int.h"

static const wm_page_column columns[] = {
    {"id", "Number", 0, 0, 0},    {"job", "Job", 0, 0, 0},
    {"state", "State", 0, 0, 0},  {"progress", "Progress", 0, 0, 0},
    {"added", "Added", 0, 0, 0},  {"by", "By", 0, 0, 0},
    {"tries", "Tries", 0, 0, 1},  {"ended", "Ended", 0, 0, 0},
    {"error", "Reason", 0, 0, 0}, {NULL, NULL, 0, 0, 0}};

/* What the list can be cut down to; the label is NULL for a state of a job, which has its own. */
static const struct {
    const char *name, *label;
} states[] = {{"ready", NULL},    {"running", NULL}, {"lost", NULL},
              {"done", NULL},     {"failed", NULL},  {"failed-today", "Failed in 24 hours"},
              {"cancelled", NULL}};

enum { STATES = sizeof states / sizeof *states };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* What the state NAME is called; NULL for what is none. */
static const char *state_label(const char *name, apr_pool_t *pool)
{
    const json_t *state;
    int i = 0;

    while (i < STATES && strcmp(states[i].name, name))
        i++;
    if (i == STATES || states[i].label)
        return i == STATES ? NULL : states[i].label;
    state = wm_json_own(wm_page_job_state(name), pool);
    return json_string_value(json_object_get(state, "label"));
}

/* Nonzero when it changes by itself. */
static int dress_job(json_t *job, const wm_page_query *q, apr_pool_t *pool)
{
    const char *state = text_of(job, "state");
    int live = !strcmp(state, "running") || !strcmp(state, "ready") || !strcmp(state, "lost");
    const char *path = apr_psprintf(pool, "jobs/%" APR_INT64_T_FMT,
                                    (apr_int64_t)json_integer_value(json_object_get(job, "id")));

    json_object_set_new(job, "link", json_string(wm_page_link_only(q, path, WM_NO_CHANGES, pool)));
    json_object_set_new(job, "state", wm_page_job_state(state));
    wm_page_progress(json_object_get(job, "progress"), pool);
    return live;
}

/* When it is added by itself. */
static const char *rhythm(const json_t *schedule, apr_pool_t *pool)
{
    const json_t *every = json_object_get(schedule, "every");
    const char *zone = text_of(schedule, "zone");

    if (json_is_integer(every))
        return apr_pstrcat(pool, "every ", wm_page_duration(json_integer_value(every), pool), NULL);
    if (*text_of(schedule, "daily_at"))
        return apr_pstrcat(pool, "daily at ", text_of(schedule, "daily_at"), " ", zone, NULL);
    return apr_pstrcat(pool, text_of(schedule, "cron"), " ", zone, NULL);
}

/* The whole server's are of those who run it, a study's of those who manage it. */
int wm_page_may_schedule(const wm_account *person, apr_int64_t study)
{
    return wm_account_may(person, WM_MAY_SYSTEM, WM_ANY_STUDY) ||
           (study && wm_account_may(person, WM_MAY_CONFIGURE, study));
}

static void dress_schedules(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_object_get(page, "schedules"), *row;
    int overdue = 0;
    size_t i;

    json_array_foreach(list, i, row)
    {
        apr_int64_t study = json_integer_value(json_object_get(row, "study_id"));
        json_t *last = json_object_get(row, "last");

        json_object_set_new(row, "rhythm", json_string(rhythm(row, pool)));
        json_object_set_new(row, "change",
                            json_boolean(q->person && wm_page_may_schedule(q->person, study)));
        if (json_is_object(last))
            dress_job(last, q, pool);
        overdue += json_is_true(json_object_get(row, "overdue"));
    }
    json_object_set_new(page, "any_schedules", json_boolean(i > 0));
    json_object_set_new(page, "overdue", json_integer(overdue));
    wm_page_count_words(page, "overdue", "schedule", pool);
}

/* The numbers of the first line, each with the list of what it counts. */
static void dress_counts(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    static const struct {
        const char *key, *words, *state;
    } of[] = {{"running", "running", "running"},
              {"ready", "waiting", "ready"},
              {"lost", "interrupted", "lost"},
              {"failed", "failed in 24 hours", "failed-today"}};
    json_t *counts = json_object_get(page, "counts"), *list = json_array();
    const json_t *waiting = json_object_get(counts, "waiting");

    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        apr_int64_t n = json_integer_value(json_object_get(counts, of[i].key));

        json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s}", "number", wm_page_number(n, pool), "words", of[i].words,
                      "link",
                      wm_page_link_only(q, "system", WM_CHANGES({"state", of[i].state}), pool)));
    }
    json_object_set_new(page, "numbers", list);
    if (json_is_integer(waiting))
        json_object_set_new(page, "waiting_words",
                            json_string(wm_page_duration(json_integer_value(waiting), pool)));
}

static void set_choices(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_array();

    for (int i = 0; i < STATES; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "value", states[i].name, "label",
                                              state_label(states[i].name, pool), "chosen",
                                              q->state && !strcmp(q->state, states[i].name)));
    json_object_set_new(page, "states", list);
}

const wm_err *wm_page_system(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *page, *answer, *list, *row;
    wm_page_place place;
    apr_int64_t study;
    wm_arg studies, all;
    int live = 0;
    size_t i;

    if (q->state && !state_label(q->state, pool))
        return wm_err_make(pool, WM_E_INPUT, "state in the address is none of a job");
    WM_TRY(wm_page_begin(&page, &study, db, "system", q, pool));
    WM_TRY(wm_page_place_read(&place, q, columns, pool));
    WM_TRY(wm_page_studies(&studies, q, WM_MAY_CONFIGURE, pool));
    all = studies;
    WM_TRY(wm_page_ask(&answer, db, WM_SQL_PAGE_JOBS,
                       WM_ARGS(studies, WM_TIME(q->now), WM_TEXT(wm_page_zone(page))), pool));
    WM_TRY(wm_page_ask(&list, db, WM_SQL_PAGE_JOB_LIST,
                       WM_ARGS(all, WM_TIME(q->now), WM_TEXT(wm_page_zone(page)), WM_TEXT(q->state),
                               WM_TEXT(q->search), WM_I64(place.id), WM_BOOL(place.backwards),
                               WM_I64(place.limit)),
                       pool));
    json_object_update(page, answer);
    json_object_update(page, list);
    WM_TRY(wm_page_health(page, db, q, pool));
    wm_page_count_words(page, "total", "job", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Jobs", "system", columns, &place, "id", q,
                  pool);
    wm_page_chip(page, "Search", q->search, "system", "q", q, pool);
    wm_page_chip(page, "State", q->state ? state_label(q->state, pool) : NULL, "system", "state", q,
                 pool);
    json_array_foreach(json_object_get(page, "rows"), i, row) live |= dress_job(row, q, pool);
    dress_schedules(page, q, pool);
    dress_counts(page, q, pool);
    set_choices(page, q, pool);
    wm_page_live(page, live, "system", q, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}

static void dress_runs(json_t *job, apr_pool_t *pool)
{
    json_t *run;
    size_t i;

    json_array_foreach(json_object_get(job, "runs"), i, run)
    {
        const json_t *seconds = json_object_get(run, "seconds");

        if (json_is_integer(seconds))
            json_object_set_new(run, "took",
                                json_string(wm_page_duration(json_integer_value(seconds), pool)));
        if (!json_is_string(json_object_get(run, "outcome")))
            json_object_set_new(run, "outcome", json_string("under way"));
    }
    json_object_set_new(job, "any_runs", json_boolean(i > 0));
}

const wm_err *wm_page_job(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *page, *job;
    apr_int64_t study;
    wm_arg studies;
    int live;

    if (!q->number)
        return wm_err_make(pool, WM_E_NOT_FOUND, "the address names no job");
    WM_TRY(wm_page_begin(&page, &study, db, "jobs/*", q, pool));
    WM_TRY(wm_page_studies(&studies, q, WM_MAY_CONFIGURE, pool));
    WM_TRY(wm_page_ask(
        &job, db, WM_SQL_PAGE_JOB,
        WM_ARGS(studies, WM_TIME(q->now), WM_TEXT(wm_page_zone(page)), WM_I64(q->number)), pool));
    if (!job)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such job");
    json_object_set(page, "job", job);
    live = dress_job(job, q, pool);
    dress_runs(job, pool);
    if (json_is_integer(json_object_get(job, "export")) && q->person &&
        wm_account_may(q->person, WM_MAY_EXPORT, WM_ANY_STUDY)) {
        const char *path =
            apr_psprintf(pool, "exports/%" APR_INT64_T_FMT,
                         (apr_int64_t)json_integer_value(json_object_get(job, "export")));

        json_object_set_new(job, "export_link",
                            json_string(wm_page_link_only(q, path, WM_NO_CHANGES, pool)));
    }
    json_object_set_new(page, "title",
                        json_string(apr_psprintf(pool, "Job %" APR_INT64_T_FMT, q->number)));
    wm_page_live(page, live, apr_psprintf(pool, "jobs/%" APR_INT64_T_FMT, q->number), q, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
