/* SPDX-License-Identifier: Apache-2.0 */
/* Members of an export's definition as arguments of statements. */
#include "wm_page_export.h"
#include "wm_pgarray.h"

const wm_err *wm_page_texts_arg(wm_arg *arg, const json_t *list, apr_pool_t *pool)
{
    wm_pgarray array;
    json_t *one;
    size_t i;

    *arg = WM_NULL(WM_OID_TEXT_ARRAY);
    if (!json_is_array(list))
        return NULL;
    WM_TRY(wm_pgarray_begin(&array, WM_OID_TEXT, NULL, pool));
    json_array_foreach(list, i, one)
        WM_TRY(wm_pgarray_add_text(&array, json_string_value(one), json_string_length(one)));
    *arg = wm_pgarray_arg(&array, WM_OID_TEXT_ARRAY);
    return NULL;
}

const wm_err *wm_page_numbers_arg(wm_arg *arg, const json_t *list, apr_pool_t *pool)
{
    wm_pgarray array;
    json_t *one;
    size_t i;

    *arg = WM_NULL(WM_OID_INT8_ARRAY);
    if (!json_is_array(list))
        return NULL;
    WM_TRY(wm_pgarray_begin(&array, WM_OID_INT8, NULL, pool));
    json_array_foreach(list, i, one) WM_TRY(wm_pgarray_add_i64(&array, json_integer_value(one)));
    *arg = wm_pgarray_arg(&array, WM_OID_INT8_ARRAY);
    return NULL;
}

const wm_err *wm_page_export_sources(json_t **ids, wm_db *db, apr_int64_t study,
                                     const json_t *definition, apr_pool_t *pool)
{
    wm_arg sources, groups;

    WM_TRY(wm_page_texts_arg(&sources, json_object_get(definition, "sources"), pool));
    WM_TRY(wm_page_numbers_arg(&groups, json_object_get(definition, "groups"), pool));
    return wm_page_ask(ids, db, WM_SQL_PAGE_EXPORT_SOURCES, WM_ARGS(WM_I64(study), sources, groups),
                       pool);
}
