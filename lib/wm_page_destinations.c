/* SPDX-License-Identifier: Apache-2.0 */
/* Where archives are sent, and how that went (dashboard document, 11.8). */
#include <string.h>

#include "wm_page_int.h"

int wm_page_may_test(const wm_account *person, apr_int64_t study)
{
    return wm_account_may(person, WM_MAY_SYSTEM, WM_ANY_STUDY) ||
           wm_account_may(person, WM_MAY_CONFIGURE, study ? study : WM_ALL_STUDIES);
}

const wm_err *wm_page_destinations(json_t **made, wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool)
{
    json_t *page, *rows, *row;
    apr_int64_t study;
    wm_arg studies;
    size_t i;

    WM_TRY(wm_page_begin(&page, &study, db, "destinations", q, pool));
    WM_TRY(wm_page_studies(&studies, q, WM_MAY_CONFIGURE, pool));
    WM_TRY(wm_page_ask(&rows, db, WM_SQL_PAGE_DESTINATIONS,
                       WM_ARGS(studies, WM_TEXT(wm_page_zone(page))), pool));
    json_array_foreach(rows, i, row)
    {
        json_object_set_new(
            row, "test",
            json_boolean(
                q->person &&
                wm_page_may_test(q->person, json_integer_value(json_object_get(row, "study_id")))));
        wm_page_show_name(row, "name", pool);
    }
    json_object_set(page, "rows", rows);
    json_object_set_new(page, "any", json_boolean(i > 0));
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
