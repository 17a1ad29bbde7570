/* SPDX-License-Identifier: Apache-2.0 */
#include "wm_audit.h"
#include "wm_json_own.h"
#include "wm_pgarray.h"

static const char *const vias[] = {
#define X(name, word) word,
    WM_VIAS(X)
#undef X
};

/* SQL null when nobody's data were shown. */
static const wm_err *sources_arg(wm_arg *arg, const wm_audit *entry, apr_pool_t *pool)
{
    wm_pgarray array;

    *arg = WM_NULL(WM_OID_INT8_ARRAY);
    if (!entry->source_count)
        return NULL;
    WM_TRY(wm_pgarray_begin(&array, WM_OID_INT8, NULL, pool));
    for (int i = 0; i < entry->source_count; i++)
        WM_TRY(wm_pgarray_add_i64(&array, entry->sources[i]));
    *arg = wm_pgarray_arg(&array, WM_OID_INT8_ARRAY);
    return NULL;
}

const char *wm_audit_purpose(const char *text)
{
    while (text && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n'))
        text++;
    return text && *text ? text : NULL;
}

const wm_err *wm_audit_add(apr_int64_t *id, wm_db *db, const wm_audit *entry, apr_pool_t *pool)
{
    const char *extent = entry->extent ? wm_json_own_text(entry->extent, pool) : NULL;
    wm_arg sources;
    wm_rows *rows;

    WM_TRY(sources_arg(&sources, entry, pool));
    WM_TRY(
        wm_db_rows(&rows, db, WM_SQL_AUDIT_ADD,
                   WM_ARGS(WM_TEXT(entry->account), WM_TEXT(vias[entry->via]),
                           WM_TEXT(entry->action), WM_TEXT(entry->object), WM_TEXT(extent), sources,
                           WM_TEXT(entry->purpose), WM_TEXT(entry->result ? entry->result : "ok"),
                           WM_TEXT(entry->address), WM_TEXT(entry->request_id)),
                   pool));
    if (id)
        *id = wm_rows_i64(rows, 0, 0);
    return NULL;
}

const wm_err *wm_audit_covered(int *covered, wm_db *db, const wm_audit *entry, const char *view,
                               apr_int64_t seconds, apr_pool_t *pool)
{
    wm_arg sources;
    wm_rows *rows;

    WM_TRY(sources_arg(&sources, entry, pool));
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_AUDIT_COVERED,
                      WM_ARGS(WM_TEXT(entry->account), WM_TEXT(entry->action), WM_TEXT(view),
                              sources, WM_I64(seconds)),
                      pool));
    *covered = wm_rows_i64(rows, 0, 0) != 0;
    return NULL;
}

const wm_err *wm_audit_verify(apr_int64_t *bad, wm_db *db, apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_AUDIT_VERIFY, WM_NO_ARGS, pool));
    *bad = wm_rows_i64(rows, 0, 0);
    return NULL;
}
