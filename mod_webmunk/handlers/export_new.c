/* SPDX-License-Identifier: Apache-2.0 */
/* A new export: by the form, which is checked and then sent once more to begin, or as JSON. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_export.h"
#include "wm_json_own.h"

#include "../accept.h"
#include "../auth.h"
#include "../body.h"
#include "../handlers.h"
#include "../page.h"
#include "export.h"

/* What the form says, for the study that it or its address says. */
static const wm_err *begin_query(wm_page_query *q, wm_http *h, wm_db *db)
{
    const char *study = wm_http_field(h, "study");

    wm_page_query_begin(q, h);
    wm_page_query_kept(q, h);
    q->fields = h->fields;
    if (study && *study)
        q->study = study;
    WM_TRY(wm_page_query_choose(q, WM_MAY_EXPORT, h, db));
    return wm_auth_may(h, WM_MAY_EXPORT, q->study_id);
}

/* The form again, with what is wrong, or with what the export would be: that names participants. */
static const wm_err *show_form(wm_http *h, wm_db *db, wm_page_query *q, const char *problem)
{
    wm_audit row = wm_auth_audit(h, "view-export-form");
    apr_pool_t *pool = h->r->pool;
    json_t *page;

    WM_TRY(wm_auth_token(&q->csrf, h, NULL));
    q->problem = problem;
    WM_TRY(wm_page_export_new(&page, db, q, pool));
    wm_page_audit_sources(&row, wm_page_extent(page), pool);
    row.object = "export-new";
    row.extent = wm_json_own(json_pack("{s:i}", "participants", row.source_count), pool);
    if (row.source_count)
        WM_TRY(
            wm_err_wrap(pool, wm_audit_add(NULL, db, &row, pool), "recording who sees this page"));
    wm_http_db_done(h);
    return wm_page_reply(h, problem ? HTTP_BAD_REQUEST : HTTP_OK, "export-new", page, q);
}

/* The rows, their jobs and their rows of the access log, or nothing. */
static const wm_err *begin(wm_rows **numbers, wm_http *h, wm_db *db, const json_t *asked,
                           const char *purpose)
{
    const wm_account *person = wm_auth_known(h->r)->account;
    apr_pool_t *pool = h->r->pool;
    wm_export_definition *definition;
    const char *text;
    json_t *d;

    WM_TRY(wm_export_define(&definition, asked, db, pool));
    WM_TRY(wm_auth_may(h, WM_MAY_EXPORT, definition->study));
    text = wm_export_canonical(definition, pool);
    WM_TRY(wm_json_own_parse(&d, text, strlen(text), pool));
    WM_TRY(wm_page_export_permit(person, definition->study, d, pool));
    WM_TRY(wm_db_rows(
        numbers, db, WM_SQL_PAGE_EXPORT_ADD,
        WM_ARGS(WM_I64(definition->study), WM_TEXT(text), WM_TEXT(purpose), WM_I64(person->id)),
        pool));
    for (int i = 0; i < wm_rows_count(*numbers); i++)
        WM_TRY(wm_export_record(
            h, db, "export-request", wm_rows_i64(*numbers, i, 0), definition->study, d, purpose,
            wm_json_own(json_pack("{s:b}", "sensitive", definition->sensitive), pool)));
    return NULL;
}

static const wm_err *add(wm_rows **numbers, wm_http *h, wm_db *db, const json_t *asked,
                         const char *purpose)
{
    apr_pool_t *pool = h->r->pool;
    const wm_err *err;

    WM_TRY(wm_db_begin(db, pool));
    err = begin(numbers, h, db, asked, purpose);
    if (err)
        wm_db_rollback(db);
    return err ? err : wm_db_commit(db, pool);
}

/* Where the new export is; of several, the list, which begins with them. */
static const char *place(const wm_http *h, const wm_rows *numbers)
{
    return wm_rows_count(numbers) > 1
               ? "exports"
               : apr_psprintf(h->r->pool, "exports/%" APR_INT64_T_FMT, wm_rows_i64(numbers, 0, 0));
}

/* The time zone of STUDY; with 0 it becomes the default one. */
static const wm_err *zone_of(const char **zone, apr_int64_t *study, wm_http *h, wm_db *db)
{
    json_t *answer;

    WM_TRY(wm_db_json(
        &answer, db, WM_SQL_PAGE_STUDY,
        WM_ARGS(WM_I64(*study), WM_TIME(apr_time_now()), WM_TEXT(NULL), WM_I64(0), WM_TEXT("")),
        h->r->pool));
    if (!answer)
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND, "there is no default study");
    *study = json_integer_value(json_object_get(answer, "id"));
    *zone = json_string_value(json_object_get(answer, "time_zone"));
    return NULL;
}

static const wm_err *by_form(wm_http *h, wm_db *db)
{
    const char *doing = wm_http_field(h, "do"), *zone;
    const char *purpose = wm_audit_purpose(wm_http_field(h, "purpose"));
    apr_pool_t *pool = h->r->pool;
    const wm_err *err;
    wm_page_query q;
    wm_rows *numbers;
    json_t *asked;

    WM_TRY(begin_query(&q, h, db));
    if (!doing || strcmp(doing, "start"))
        return show_form(h, db, &q, NULL);
    if (!purpose || strlen(purpose) > WM_PURPOSE_MAX)
        return show_form(h, db, &q,
                         purpose ? "The purpose is too long for the access log."
                                 : "Say what the data are for: it goes into the access log.");
    WM_TRY(zone_of(&zone, &q.study_id, h, db));
    WM_TRY(wm_page_export_defined(&asked, db, q.study_id, zone, h->fields, pool));
    err = add(&numbers, h, db, asked, purpose);
    if (err && err->code == WM_E_INPUT)
        return show_form(h, db, &q, err->why);
    WM_TRY(err);
    return wm_page_redirect(h, place(h, numbers), WM_NO_CHANGES);
}

static const wm_err *refuse(wm_http *h, const char *why)
{
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
                                wm_err_public(WM_E_INPUT), "status", HTTP_BAD_REQUEST, "detail",
                                why, "request_id", wm_http_id(h));

    WM_TRY(wm_reply_json(h, HTTP_BAD_REQUEST, problem));
    h->reply.type = "application/problem+json";
    return NULL;
}

/* {"purpose": ...} and the members of a definition; the default study and no sensitive fields unless
 * it says otherwise. */
static const wm_err *by_json(wm_http *h, wm_db *db, json_t *asked)
{
    const char *purpose = wm_audit_purpose(json_string_value(json_object_get(asked, "purpose"))),
               *zone;
    apr_int64_t study = 0;
    const char *link;
    const wm_err *err;
    wm_rows *numbers;
    json_t *ids;

    if (!purpose || strlen(purpose) > WM_PURPOSE_MAX)
        return refuse(h, "\"purpose\" must say in at most 2,000 bytes what the data are for");
    purpose = apr_pstrdup(h->r->pool, purpose);
    json_object_del(asked, "purpose");
    WM_TRY(zone_of(&zone, &study, h, db));
    if (!json_object_get(asked, "study"))
        json_object_set_new(asked, "study", json_integer(study));
    if (!json_object_get(asked, "sensitive"))
        json_object_set_new(asked, "sensitive", json_false());
    err = add(&numbers, h, db, asked, purpose);
    if (err && err->code == WM_E_INPUT)
        return refuse(h, err->why);
    WM_TRY(err);
    ids = json_array();
    for (int i = 0; i < wm_rows_count(numbers); i++)
        json_array_append_new(ids, json_integer(wm_rows_i64(numbers, i, 0)));
    link = apr_pstrcat(h->r->pool, h->mount, "/", place(h, numbers), NULL);
    wm_http_set(h, "Location", link);
    return wm_reply_json(h, HTTP_CREATED,
                         json_pack("{s:I, s:o, s:s, s:s}", "id",
                                   (json_int_t)wm_rows_i64(numbers, 0, 0), "ids", ids, "link", link,
                                   "state", "queued"));
}

const wm_err *wm_h_export_add(wm_http *h)
{
    const char *data;
    json_t *asked;
    size_t size;
    wm_db *db;

    WM_TRY(wm_auth_may(h, WM_MAY_EXPORT, WM_ANY_STUDY));
    if (h->fields) {
        WM_TRY(wm_http_db(&db, h));
        return by_form(h, db);
    }
    WM_TRY(wm_body_read(&data, &size, h, WM_SMALL_FORM_MAX));
    if (wm_json_own_parse(&asked, data, size, h->r->pool) || !json_is_object(asked))
        return refuse(h, "the body is no JSON object, or has a number that is too large");
    WM_TRY(wm_http_db(&db, h));
    return by_json(h, db, asked);
}
