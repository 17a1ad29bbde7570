/* SPDX-License-Identifier: Apache-2.0 */
#include "wm_export_copy.h"

/* PostgreSQL counts as fast as it can.  Some participants at a time: in between the exporter, which
 * is nice, waits for its turn, and so for uploads. */
enum { SOURCES_A_STEP = 25 };

static const wm_err *take_count(void *host, char *line, size_t size)
{
    *(apr_int64_t *)host += wm_export_number((wm_text){line, size});
    return NULL;
}

const wm_err *wm_export_count(apr_int64_t *rows, wm_db *db, const wm_export_type *type,
                              const wm_export_definition *definition, const char *position,
                              const wm_err *(*step)(void *host, apr_int64_t rows), void *host,
                              apr_pool_t *pool)
{
    apr_pool_t *scratch;
    wm_export_copy *copy;

    *rows = 0;
    WM_TRY(wm_export_copy_make(&copy, db, type, definition, position, pool));
    if (copy->at_once)
        return wm_export_copy_run(copy, copy->count_sql, take_count, rows);
    apr_pool_create(&scratch, pool);
    for (int from = 0; from < copy->sources->nelts && !copy->nothing; from += SOURCES_A_STEP) {
        int left = copy->sources->nelts - from;
        const char *list;

        apr_pool_clear(scratch);
        list = wm_export_source_list(
            copy, from, from + (left < SOURCES_A_STEP ? left : SOURCES_A_STEP), scratch);
        WM_TRY(wm_db_do(NULL, db, WM_SQL_EXPORT_ROWS_STEP, WM_ARGS(WM_TEXT(list)), pool));
        WM_TRY(wm_export_copy_run(copy, copy->count_sql, take_count, rows));
        if (step)
            WM_TRY(step(host, *rows));
    }
    apr_pool_destroy(scratch);
    return NULL;
}
