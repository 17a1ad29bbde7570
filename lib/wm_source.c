/* SPDX-License-Identifier: Apache-2.0 */
#include "wm_source.h"

const wm_err *wm_source_find(wm_source **source, wm_db *db, const char *identifier, apr_int64_t id,
                             apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(
        wm_db_rows(&rows, db, WM_SQL_SOURCE_FIND, WM_ARGS(WM_TEXT(identifier), WM_I64(id)), pool));
    if (!wm_rows_count(rows))
        return identifier
                   ? wm_err_make(pool, WM_E_NOT_FOUND, "there is no participant \"%s\"", identifier)
                   : wm_err_make(pool, WM_E_NOT_FOUND,
                                 "there is no participant of the number %" APR_INT64_T_FMT, id);
    *source = apr_palloc(pool, sizeof **source);
    **source = (wm_source){.id = wm_rows_i64(rows, 0, 0),
                           .study = wm_rows_i64(rows, 0, 1),
                           .identifier = wm_rows_text(rows, 0, 2)};
    return NULL;
}

const wm_err *wm_source_exclude(int *changed, wm_db *db, const wm_source *source, int exclude,
                                apr_pool_t *pool)
{
    apr_int64_t count;
    wm_rows *rows;

    /* Merges look at it behind the same fence. */
    WM_TRY(wm_db_do(NULL, db, WM_SQL_MERGE_FENCE, WM_NO_ARGS, pool));
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_SOURCE_EXCLUDE_LOOK, WM_ARGS(WM_I64(source->id)), pool));
    if (wm_rows_count(rows) && wm_rows_text(rows, 0, 0))
        return wm_err_make(pool, WM_E_CONFLICT, "%s", wm_rows_text(rows, 0, 0));
    WM_TRY(wm_db_do(&count, db, WM_SQL_SOURCE_EXCLUDE,
                    WM_ARGS(WM_I64(source->id), WM_BOOL(exclude)), pool));
    *changed = count > 0;
    return NULL;
}
