/* SPDX-License-Identifier: Apache-2.0 */
/* The buttons of the pages System and Destinations: pause, resume, run now, test. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_json_own.h"

#include "../auth.h"
#include "../handlers.h"
#include "../page.h"
#include "export.h"

static const wm_err *record(wm_http *h, wm_db *db, const char *action, const char *object)
{
    wm_audit row = wm_auth_audit(h, action);

    row.object = object;
    return wm_audit_add(NULL, db, &row, h->r->pool);
}

/* What the schedule or destination of the address is; those who may not see System learn nothing. */
static const wm_err *find(json_t **found, wm_http *h, wm_db *db, wm_sql_id id)
{
    apr_pool_t *pool = h->r->pool;

    if (wm_auth_may(h, WM_MAY_CONFIGURE, WM_ANY_STUDY))
        return wm_err_make(pool, WM_E_NOT_FOUND, "the right \"configure\" is missing");
    WM_TRY(wm_db_json(found, db, id, WM_ARGS(WM_I64(wm_captured_number(h))), pool));
    return *found ? NULL : wm_err_make(pool, WM_E_NOT_FOUND, "there is none of this number");
}

static const wm_err *forbid(const wm_http *h)
{
    return wm_err_make(h->r->pool, WM_E_FORBIDDEN, "it belongs to the server or to another study");
}

static const wm_err *run(wm_http *h, wm_db *db, const char *what)
{
    const char *object = apr_pstrcat(h->r->pool, "schedule:", h->capture[0], NULL);
    apr_int64_t number = wm_captured_number(h);
    apr_pool_t *pool = h->r->pool;

    if (!strcmp(what, "run")) {
        WM_TRY(wm_db_do(NULL, db, WM_SQL_PAGE_SCHEDULE_RUN,
                        WM_ARGS(WM_I64(number), WM_I64(wm_auth_known(h->r)->account->id)), pool));
        return record(h, db, "schedule-run", object);
    }
    WM_TRY(wm_db_do(NULL, db, WM_SQL_PAGE_SCHEDULE_PAUSE,
                    WM_ARGS(WM_I64(number), WM_BOOL(!strcmp(what, "pause"))), pool));
    return record(h, db, strcmp(what, "pause") ? "schedule-resume" : "schedule-pause", object);
}

const wm_err *wm_h_schedule_change(wm_http *h)
{
    const char *what = h->capture[1];
    apr_pool_t *pool = h->r->pool;
    json_t *schedule;
    wm_db *db;

    if (strcmp(what, "pause") && strcmp(what, "resume") && strcmp(what, "run"))
        return wm_err_make(pool, WM_E_NOT_FOUND, "a schedule has no such button");
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(find(&schedule, h, db, WM_SQL_PAGE_SCHEDULE));
    if (!wm_page_may_schedule(wm_auth_known(h->r)->account,
                              json_integer_value(json_object_get(schedule, "study"))))
        return forbid(h);
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(run(h, db, what));
    WM_TRY(wm_db_commit(db, pool));
    return wm_page_redirect(h, "system", WM_NO_CHANGES);
}

const wm_err *wm_h_destination_test(wm_http *h)
{
    apr_pool_t *pool = h->r->pool;
    json_t *destination;
    wm_db *db;

    WM_TRY(wm_http_db(&db, h));
    WM_TRY(find(&destination, h, db, WM_SQL_PAGE_DESTINATION_STUDY));
    if (!wm_page_may_test(wm_auth_known(h->r)->account,
                          json_integer_value(json_object_get(destination, "study"))))
        return forbid(h);
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(wm_db_do(
        NULL, db, WM_SQL_PAGE_DESTINATION_TEST,
        WM_ARGS(WM_I64(wm_captured_number(h)), WM_I64(wm_auth_known(h->r)->account->id)), pool));
    WM_TRY(
        record(h, db, "destination-test", apr_pstrcat(pool, "destination:", h->capture[0], NULL)));
    WM_TRY(wm_db_commit(db, pool));
    return wm_page_redirect(h, "destinations", WM_NO_CHANGES);
}
