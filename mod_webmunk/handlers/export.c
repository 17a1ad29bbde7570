/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of an export: cancel, delete, repeat.  Each is a form of a page of ours, a row of the access
 * log, and a redirect. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_json_own.h"

#include "../auth.h"
#include "../handlers.h"
#include "../page.h"
#include "export.h"

apr_int64_t wm_captured_number(const wm_http *h)
{
    size_t digits = strspn(h->capture[0], "0123456789");

    return h->capture[0][digits] || digits > 18 ? 0 : apr_atoi64(h->capture[0]);
}

static apr_int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const wm_err *wm_export_of(json_t **export, apr_int64_t *number, wm_http *h, wm_db *db)
{
    apr_pool_t *pool = h->r->pool;

    *number = wm_captured_number(h);
    WM_TRY(wm_db_json(export, db, WM_SQL_PAGE_EXPORT_FILE,
                      WM_ARGS(WM_I64(*number), WM_TIME(apr_time_now()), WM_TEXT("UTC")), pool));
    if (!*export || wm_auth_may(h, WM_MAY_EXPORT, number_of(*export, "study")))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no export %s in studies of theirs",
                           h->capture[0]);
    return NULL;
}

const wm_err *wm_export_record(wm_http *h, wm_db *db, const char *action, apr_int64_t number,
                               apr_int64_t study, const json_t *definition, const char *purpose,
                               json_t *extent)
{
    apr_pool_t *pool = h->r->pool;
    wm_audit row = wm_auth_audit(h, action);
    json_t *sources;

    WM_TRY(wm_page_export_sources(&sources, db, study, definition, pool));
    wm_page_audit_sources(&row, sources, pool);
    row.object = apr_psprintf(pool, "export:%" APR_INT64_T_FMT, number);
    row.purpose = purpose;
    row.extent = extent ? extent : wm_json_own(json_object(), pool);
    json_object_set_new(row.extent, "participants", json_integer(row.source_count));
    return wm_err_wrap(pool, wm_audit_add(NULL, db, &row, pool), "recording who exports");
}

typedef struct change {
    wm_http *h;
    wm_db *db;
    apr_int64_t number, study;
    const json_t *export;
} change;

/* One statement that changes one row, or none when somebody else was faster. */
static const wm_err *change_one(const change *c, wm_sql_id id, const char *action)
{
    apr_pool_t *pool = c->h->r->pool;
    const wm_who *who = wm_auth_known(c->h->r);
    apr_int64_t affected;

    if (!wm_page_may_change_export(who->account, c->study, number_of(c->export, "by_id")))
        return wm_err_make(pool, WM_E_FORBIDDEN, "%s may not change what others asked for",
                           who->name);
    WM_TRY(wm_db_do(&affected, c->db, id, WM_ARGS(WM_I64(c->number)), pool));
    if (!affected)
        return wm_err_make(pool, WM_E_CONFLICT, "the export is in another state");
    return wm_export_record(c->h, c->db, action, c->number, c->study,
                            json_object_get(c->export, "definition"), NULL, NULL);
}

static const wm_err *repeat(change *c)
{
    const json_t *definition = json_object_get(c->export, "definition");
    const char *purpose = json_string_value(json_object_get(c->export, "purpose"));
    apr_pool_t *pool = c->h->r->pool;
    apr_int64_t origin = c->number;
    const wm_account *person = wm_auth_known(c->h->r)->account;
    wm_rows *rows;

    WM_TRY(wm_page_export_permit(person, c->study, definition, pool));
    WM_TRY(wm_db_rows(&rows, c->db, WM_SQL_PAGE_EXPORT_ADD,
                      WM_ARGS(WM_I64(c->study), WM_TEXT(wm_json_own_text(definition, pool)),
                              WM_TEXT(purpose), WM_I64(person->id)),
                      pool));
    c->number = wm_rows_i64(rows, 0, 0);
    return wm_export_record(c->h, c->db, "export-request", c->number, c->study, definition, purpose,
                            wm_json_own(json_pack("{s:I}", "repeats", (json_int_t)origin), pool));
}

const wm_err *wm_h_export_change(wm_http *h)
{
    const char *what = strrchr(h->path, '/') + 1, *path = "exports";
    apr_pool_t *pool = h->r->pool;
    change c = {.h = h};
    json_t *export;

    WM_TRY(wm_http_db(&c.db, h));
    WM_TRY(wm_export_of(&export, &c.number, h, c.db));
    c.export = export;
    c.study = number_of(export, "study");
    WM_TRY(wm_db_begin(c.db, pool));
    if (!strcmp(what, "cancel"))
        WM_TRY(change_one(&c, WM_SQL_PAGE_EXPORT_CANCEL, "export-cancel"));
    else if (!strcmp(what, "delete"))
        WM_TRY(change_one(&c, WM_SQL_PAGE_EXPORT_DELETE, "export-delete"));
    else
        WM_TRY(repeat(&c));
    WM_TRY(wm_db_commit(c.db, pool));
    if (strcmp(what, "delete"))
        path = apr_psprintf(pool, "exports/%" APR_INT64_T_FMT, c.number);
    return wm_page_redirect(h, path, WM_NO_CHANGES);
}
