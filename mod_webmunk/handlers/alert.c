/* SPDX-License-Identifier: Apache-2.0 */
/* The buttons of the page Alerts: acknowledge one or several, for a while or for as long as they are open,
 * and undo. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_json_own.h"
#include "wm_pgarray.h"

#include "../auth.h"
#include "../handlers.h"
#include "../page.h"
#include "export.h"

enum { DAYS_MAX = 365 };

static const wm_err *read_days(apr_int64_t *days, wm_http *h)
{
    const char *text = wm_http_field(h, "days");

    *days = 0;
    if (!text || !*text)
        return NULL;
    if (strlen(text) <= 3 && !text[strspn(text, "0123456789")])
        *days = apr_atoi64(text);
    return *days > 0 && *days <= DAYS_MAX
               ? NULL
               : wm_err_make(h->r->pool, WM_E_INPUT, "days is no number from 1 to %d", DAYS_MAX);
}

static const wm_err *record(wm_http *h, wm_db *db, const char *action, apr_int64_t source)
{
    wm_audit row = wm_auth_audit(h, action);

    row.object = apr_pstrcat(h->r->pool, "alert:", h->capture[0], NULL);
    row.sources = &source;
    row.source_count = source != 0;
    return wm_audit_add(NULL, db, &row, h->r->pool);
}

static const wm_err *acknowledge(apr_int64_t *changed, wm_http *h, wm_db *db,
                                 const apr_int64_t *numbers, int count, apr_int64_t days)
{
    wm_pgarray array;

    WM_TRY(wm_pgarray_begin(&array, WM_OID_INT8, NULL, h->r->pool));
    for (int i = 0; i < count; i++)
        WM_TRY(wm_pgarray_add_i64(&array, numbers[i]));
    return wm_db_do(changed, db, WM_SQL_PAGE_ALERT_ACKNOWLEDGE,
                    WM_ARGS(wm_pgarray_arg(&array, WM_OID_INT8_ARRAY),
                            WM_I64(wm_auth_known(h->r)->account->id), WM_I64(days)),
                    h->r->pool);
}

static const wm_err *change(wm_http *h, wm_db *db, const char *what, apr_int64_t days,
                            apr_int64_t source)
{
    apr_int64_t number = wm_captured_number(h), changed;
    int known = !strcmp(what, "acknowledge");
    apr_pool_t *pool = h->r->pool;

    if (known)
        WM_TRY(acknowledge(&changed, h, db, &number, 1, days));
    else
        WM_TRY(wm_db_do(&changed, db, WM_SQL_PAGE_ALERT_REOPEN, WM_ARGS(WM_I64(number)), pool));
    if (!changed)
        return wm_err_make(pool, WM_E_CONFLICT, "the alert is closed meanwhile");
    return record(h, db, known ? "alert-acknowledge" : "alert-reopen", source);
}

/* May they see and acknowledge an alert of STUDY, about SOURCE (0: nobody)? */
static const wm_err *permit(const wm_http *h, apr_int64_t study, apr_int64_t source)
{
    const wm_account *person = wm_auth_known(h->r)->account;

    if (!wm_page_may_see_alert(person, study))
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND,
                           "there is no alert of this number in their sight");
    return wm_page_may_acknowledge(person, study, source != 0)
               ? NULL
               : wm_err_make(h->r->pool, WM_E_FORBIDDEN,
                             "they may see the alert, not acknowledge it");
}

const wm_err *wm_h_alert_change(wm_http *h)
{
    const char *what = h->capture[1];
    apr_int64_t days, source;
    apr_pool_t *pool = h->r->pool;
    json_t *alert;
    wm_db *db;

    if (strcmp(what, "acknowledge") && strcmp(what, "reopen"))
        return wm_err_make(pool, WM_E_NOT_FOUND, "an alert has no such button");
    WM_TRY(read_days(&days, h));
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_db_json(&alert, db, WM_SQL_PAGE_ALERT, WM_ARGS(WM_I64(wm_captured_number(h))), pool));
    if (!alert)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no alert of this number");
    source = json_integer_value(json_object_get(alert, "source"));
    WM_TRY(permit(h, json_integer_value(json_object_get(alert, "study")), source));
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(change(h, db, what, days, source));
    WM_TRY(wm_db_commit(db, pool));
    return wm_reply_redirect(h, wm_page_way_back(h, "alerts"));
}

/* The numbers behind PREFIX in the names of the form's fields, as an array of SQL. */
static const wm_err *read_numbers(wm_arg *numbers, const wm_http *h, const char *prefix)
{
    const apr_array_header_t *fields = apr_table_elts(h->fields);
    size_t size = strlen(prefix);
    wm_pgarray array;

    WM_TRY(wm_pgarray_begin(&array, WM_OID_INT8, NULL, h->r->pool));
    for (int i = 0; i < fields->nelts; i++) {
        const char *name = APR_ARRAY_IDX(fields, i, apr_table_entry_t).key;
        size_t digits = strncmp(name, prefix, size) ? 0 : strspn(name + size, "0123456789");

        if (digits && digits <= 18 && !name[size + digits])
            WM_TRY(wm_pgarray_add_i64(&array, apr_atoi64(name + size)));
    }
    *numbers = wm_pgarray_arg(&array, WM_OID_INT8_ARRAY);
    return NULL;
}

/* ROWS of page_alerts_open, all or none of them; one row of the access log has all numbers. */
static const wm_err *acknowledge_all(wm_http *h, wm_db *db, const wm_rows *rows, apr_int64_t days)
{
    wm_audit row = wm_auth_audit(h, "alert-acknowledge");
    apr_pool_t *pool = h->r->pool;
    int count = wm_rows_count(rows);
    apr_int64_t *numbers = apr_palloc(pool, sizeof *numbers * (size_t)count), changed;
    apr_int64_t *sources = apr_palloc(pool, sizeof *sources * (size_t)count);
    json_t *list = json_array();

    row.object = "alerts";
    row.sources = sources;
    row.extent = wm_json_own(json_pack("{s:o}", "alerts", list), pool);
    for (int i = 0; i < count; i++) {
        apr_int64_t source = wm_rows_i64(rows, i, 2);

        WM_TRY(permit(h, wm_rows_i64(rows, i, 1), source));
        numbers[i] = wm_rows_i64(rows, i, 0);
        json_array_append_new(list, json_integer(numbers[i]));
        if (source)
            sources[row.source_count++] = source;
    }
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(acknowledge(&changed, h, db, numbers, count, days));
    WM_TRY(wm_audit_add(NULL, db, &row, pool));
    return wm_db_commit(db, pool);
}

/* Those that are selected, or with the field "all" those that the page showed; who was faster is right. */
const wm_err *wm_h_alerts_acknowledge(wm_http *h)
{
    const char *prefix = wm_http_field(h, "all") ? "shown-" : "alert-";
    apr_int64_t days;
    wm_arg numbers;
    wm_rows *rows;
    wm_db *db;

    WM_TRY(wm_http_form(h)); /* JSON has no boxes */
    WM_TRY(read_days(&days, h));
    WM_TRY(read_numbers(&numbers, h, prefix));
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_PAGE_ALERTS_OPEN, WM_ARGS(numbers), h->r->pool));
    if (wm_rows_count(rows))
        WM_TRY(acknowledge_all(h, db, rows, days));
    return wm_reply_redirect(h, wm_page_way_back(h, "alerts"));
}
