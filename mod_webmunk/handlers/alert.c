/* SPDX-License-Identifier: Apache-2.0 */
/* The buttons of the page Alerts: acknowledge, for a while or for as long as it is open, and undo. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_json_own.h"

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

/* Where the button was, with its filters and place in the list. */
static const char *way_back(wm_http *h)
{
    const char *page = apr_pstrcat(h->r->pool, h->mount, "/alerts", NULL);
    const char *back = wm_auth_local_path(wm_http_field(h, "back"));
    size_t size = strlen(page);

    return back && !strncmp(back, page, size) && (!back[size] || back[size] == '?') ? back : page;
}

static const wm_err *record(wm_http *h, wm_db *db, const char *action, apr_int64_t source)
{
    wm_audit row = wm_auth_audit(h, action);

    row.object = apr_pstrcat(h->r->pool, "alert:", h->capture[0], NULL);
    row.sources = &source;
    row.source_count = source != 0;
    return wm_audit_add(NULL, db, &row, h->r->pool);
}

static const wm_err *change(wm_http *h, wm_db *db, const char *what, apr_int64_t days,
                            apr_int64_t source)
{
    apr_int64_t number = wm_captured_number(h), changed;
    int acknowledge = !strcmp(what, "acknowledge");
    apr_pool_t *pool = h->r->pool;

    if (acknowledge)
        WM_TRY(wm_db_do(
            &changed, db, WM_SQL_PAGE_ALERT_ACKNOWLEDGE,
            WM_ARGS(WM_I64(number), WM_I64(wm_auth_known(h->r)->account->id), WM_I64(days)), pool));
    else
        WM_TRY(wm_db_do(&changed, db, WM_SQL_PAGE_ALERT_REOPEN, WM_ARGS(WM_I64(number)), pool));
    if (!changed)
        return wm_err_make(pool, WM_E_CONFLICT, "the alert is closed meanwhile");
    return record(h, db, acknowledge ? "alert-acknowledge" : "alert-reopen", source);
}

const wm_err *wm_h_alert_change(wm_http *h)
{
    const char *what = h->capture[1];
    const wm_account *person = wm_auth_known(h->r)->account;
    apr_int64_t days, study, source;
    apr_pool_t *pool = h->r->pool;
    json_t *alert;
    wm_db *db;

    if (strcmp(what, "acknowledge") && strcmp(what, "reopen"))
        return wm_err_make(pool, WM_E_NOT_FOUND, "an alert has no such button");
    WM_TRY(read_days(&days, h));
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_db_json(&alert, db, WM_SQL_PAGE_ALERT, WM_ARGS(WM_I64(wm_captured_number(h))), pool));
    study = json_integer_value(json_object_get(alert, "study"));
    source = json_integer_value(json_object_get(alert, "source"));
    if (!alert || !wm_page_may_see_alert(person, study))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no alert of this number in their sight");
    if (!wm_page_may_acknowledge(person, study, source != 0))
        return wm_err_make(pool, WM_E_FORBIDDEN, "they may see the alert, not acknowledge it");
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(change(h, db, what, days, source));
    WM_TRY(wm_db_commit(db, pool));
    return wm_reply_redirect(h, way_back(h));
}
