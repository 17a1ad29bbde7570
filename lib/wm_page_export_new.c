/* SPDX-License-Identifier: Apache-2.0 */
/* A new export in four steps on one page (dashboard document, 11.8). */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_export.h"

/* The definition of an export of STUDY that is to be made again, when it may be seen.  One of another
 * study would become one of this, with its groups and participants. */
static const wm_err *copied(json_t **d, json_t *page, apr_int64_t study, wm_db *db,
                            const wm_page_query *q, apr_pool_t *pool)
{
    json_t *export;

    if (q->copy[strspn(q->copy, "0123456789")] || strlen(q->copy) > 18)
        return wm_err_make(pool, WM_E_INPUT, "copy in the address is no number");
    WM_TRY(wm_page_ask(
        &export, db, WM_SQL_PAGE_EXPORT_FILE,
        WM_ARGS(WM_I64(apr_atoi64(q->copy)), WM_TIME(q->now), WM_TEXT(wm_page_zone(page))), pool));
    if (!export || json_integer_value(json_object_get(export, "study")) != study ||
        (q->person && !wm_account_may(q->person, WM_MAY_EXPORT, study)))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such export in this study");
    *d = json_object_get(export, "definition");
    json_object_set(page, "purpose", json_object_get(export, "purpose"));
    return NULL;
}

/* All generators of the study that the types of D read. */
static json_t *generators_of(const json_t *d, const json_t *choices, apr_pool_t *pool)
{
    json_t *list = wm_json_own(json_array(), pool), *name, *one;
    size_t i, k;

    json_array_foreach(json_object_get(d, "types"), i, name)
    {
        const wm_export_type *type = wm_export_type_find(json_string_value(name), pool);

        json_array_foreach(json_object_get(choices, "generators"), k, one)
        {
            json_t *generator = json_object_get(one, "generator");

            if (wm_export_type_reads(type, json_string_value(generator)))
                json_array_append(list, generator);
        }
    }
    return list;
}

static void say_estimate(json_t *check, const wm_page_query *q, apr_pool_t *pool)
{
    apr_int64_t rows = json_integer_value(json_object_get(check, "rows"));
    const json_t *speed = json_object_get(check, "speed");
    double done = json_number_value(json_object_get(speed, "rows"));
    double took = json_number_value(json_object_get(speed, "seconds"));
    json_t *one;
    size_t i;

    wm_page_number_text(check, "rows", pool);
    wm_page_number_text(check, "participants", pool);
    wm_page_number_text(check, "with_data", pool);
    json_object_set_new(
        check, "bytes_text",
        json_string(wm_page_bytes(json_integer_value(json_object_get(check, "bytes")), pool)));
    json_object_set_new(
        check, "time",
        json_string(done > 0 ? apr_pstrcat(pool, "about ",
                                           wm_page_duration(
                                               (apr_int64_t)((double)rows * took / done) + 1, pool),
                                           ", by the last exports", NULL)
                             : "not known before the first export"));
    json_array_foreach(json_object_get(check, "generators"), i, one)
    {
        wm_page_number_text(one, "rows", pool);
        wm_page_number_text(one, "participants", pool);
        json_object_set_new(
            one, "bytes_text",
            json_string(wm_page_bytes(json_integer_value(json_object_get(one, "bytes")), pool)));
        wm_page_show_name(one, "generator", pool);
    }
    json_array_foreach(json_object_get(check, "missing"), i, one)
        wm_page_participant_link(one, q, pool);
    json_object_set_new(check, "any_missing", json_boolean(i > 0));
}

/* Who and how much that will be, by the rollups: no page reads points. */
static const wm_err *estimate(json_t *page, const json_t *d, const json_t *choices, wm_db *db,
                              const wm_page_query *q, apr_pool_t *pool)
{
    const char *clock = json_string_value(json_object_get(d, "clock"));
    wm_arg sources, groups, generators;
    const wm_err *err;
    json_t *check;

    WM_TRY(wm_page_texts_arg(&sources, json_object_get(d, "sources"), pool));
    WM_TRY(wm_page_numbers_arg(&groups, json_object_get(d, "groups"), pool));
    WM_TRY(wm_page_texts_arg(&generators, generators_of(d, choices, pool), pool));
    err = wm_page_ask(&check, db, WM_SQL_PAGE_EXPORT_ESTIMATE,
                      WM_ARGS(WM_I64(json_integer_value(json_object_get(d, "study"))), sources,
                              groups, generators,
                              WM_TEXT(json_string_value(json_object_get(d, "from"))),
                              WM_TEXT(json_string_value(json_object_get(d, "to"))),
                              WM_BOOL(clock && !strcmp(clock, "recorded"))),
                      pool);
    if (err && err->code == WM_E_SLOW) {
        json_object_set_new(page, "too_large", json_true());
        return NULL;
    }
    WM_TRY(err);
    say_estimate(check, q, pool);
    wm_page_extend(page, json_object_get(check, "missing"));
    json_object_set(page, "check", check);
    return NULL;
}

/* Checked as the real thing is, but no key is made for a look. */
static const wm_err *check(json_t *page, const json_t *d, const json_t *choices, wm_db *db,
                           const wm_page_query *q, apr_pool_t *pool)
{
    json_t *same = wm_json_own(json_copy((json_t *)d), pool);
    wm_export_definition *definition;
    const wm_err *err;

    json_object_set_new(same, "pseudonyms", json_false());
    err = wm_export_define(&definition, same, db, pool);
    if (err && err->code == WM_E_INPUT) {
        json_object_set_new(page, "problem", json_string(err->why));
        return NULL;
    }
    WM_TRY(err);
    return estimate(page, d, choices, db, q, pool);
}

const wm_err *wm_page_export_defined(json_t **d, wm_db *db, apr_int64_t study, const char *zone,
                                     const apr_table_t *fields, apr_pool_t *pool)
{
    json_t *choices;

    WM_TRY(wm_page_ask(&choices, db, WM_SQL_PAGE_EXPORT_CHOICES, WM_ARGS(WM_I64(study)), pool));
    *d = wm_page_export_read(choices, study, zone, fields, pool);
    return NULL;
}

const wm_err *wm_page_export_new(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    const apr_table_t *fields = q->fields ? q->fields : apr_table_make(pool, 1);
    const char *purpose = apr_table_get(fields, "purpose");
    json_t *page, *choices, *d;
    apr_int64_t study;

    WM_TRY(wm_page_begin(&page, &study, db, "exports/new", q, pool));
    WM_TRY(wm_page_ask(&choices, db, WM_SQL_PAGE_EXPORT_CHOICES, WM_ARGS(WM_I64(study)), pool));
    d = wm_page_export_read(choices, study, wm_page_own_zone(page), fields, pool);
    if (q->copy && !q->fields)
        WM_TRY(copied(&d, page, study, db, q, pool));
    WM_TRY(wm_page_export_permit(q->person, study, d, pool));
    if (wm_account_may(q->person, WM_MAY_SENSITIVE, study))
        json_object_set_new(page, "may_sensitive", json_true());
    else
        json_object_set_new(page, "remedy", json_string(WM_PAGE_ASK_FOR_SENSITIVE));
    json_object_set(page, "participants", json_object_get(choices, "participants"));
    wm_page_count_words(page, "participants", "participant", pool);
    if (purpose)
        json_object_set_new(page, "purpose", json_string(purpose));
    if (q->problem)
        json_object_set_new(page, "problem", json_string(q->problem));
    else if (q->fields)
        WM_TRY(check(page, d, choices, db, q, pool));
    wm_page_export_show(page, choices, d, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
