/* SPDX-License-Identifier: Apache-2.0 */
/* A page's table as CSV. */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_int.h"

enum { CSV_MAX = 256 * 1024 * 1024 };

static const wm_err *put(wm_buf *out, const char *text)
{
    return wm_buf_add(out, text, strlen(text));
}

/* A cell that a spreadsheet would run as a formula begins with an apostrophe instead. */
static const wm_err *put_text(wm_buf *out, const char *text)
{
    const char *guard = *text && strchr("=+-@\t\r", *text) ? "'" : "";

    if (!*guard && !strpbrk(text, ",\"\r\n"))
        return put(out, text);
    WM_TRY(put(out, "\""));
    WM_TRY(put(out, guard));
    for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
        WM_TRY(wm_buf_add(out, text, (size_t)(quote - text)));
        WM_TRY(put(out, "\"\""));
    }
    WM_TRY(put(out, text));
    return put(out, "\"");
}

static const wm_err *put_value(wm_buf *out, const json_t *value)
{
    char number[40];

    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return put_text(out, json_string_value(value));
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return put(out, number);
    case JSON_REAL:
        snprintf(number, sizeof number, "%.10g", json_real_value(value));
        return put(out, number);
    case JSON_TRUE:
        return put(out, "yes");
    case JSON_FALSE:
        return put(out, "no");
    default:
        return NULL;
    }
}

/* The member at the dotted PATH; of a moment its exact time, of a state its label. */
static const json_t *member(const json_t *row, const char *path, apr_pool_t *pool)
{
    const json_t *value = row, *inner;
    char *rest = apr_pstrdup(pool, path), *dot;

    for (; rest; rest = dot ? dot + 1 : NULL) {
        dot = strchr(rest, '.');
        if (dot)
            *dot = 0;
        value = json_object_get(value, rest);
    }
    if ((inner = json_object_get(value, "at")) || (inner = json_object_get(value, "label")))
        return inner;
    return value;
}

static const wm_err *put_rows(wm_buf *out, const json_t *rows, const struct wm_csv_column *columns,
                              apr_pool_t *pool)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        for (const struct wm_csv_column *c = columns; c->header; c++) {
            if (c != columns)
                WM_TRY(put(out, ","));
            WM_TRY(put_value(out, member(row, c->member, pool)));
        }
        WM_TRY(put(out, "\r\n"));
    }
    return out->size > CSV_MAX
               ? wm_err_make(out->pool, WM_E_LIMIT, "the table has more than %d bytes", CSV_MAX)
               : NULL;
}

/* Each participant once: a row may come again when data move it while pages are read. */
static void note_extent(json_t *extent, json_t *seen, const json_t *ids, apr_pool_t *pool)
{
    json_t *id;
    size_t i;

    json_array_foreach(ids, i, id)
    {
        const char *key =
            apr_psprintf(pool, "%" APR_INT64_T_FMT, (apr_int64_t)json_integer_value(id));

        if (json_object_get(seen, key))
            continue;
        json_object_set_new(seen, key, json_true());
        json_array_append(extent, id);
    }
}

/* Build page after page until none follows.  EXTENT gets the participants of all. */
static const wm_err *put_all(wm_buf *out, json_t *extent, const wm_page *which, wm_db *db,
                             wm_page_query *q, apr_pool_t *pool)
{
    json_t *seen = wm_json_own(json_object(), pool);
    const struct wm_csv_column *columns = which->csv(q);
    const char *cursor;
    apr_pool_t *step;
    json_t *page;

    do {
        const wm_err *err;

        apr_pool_create(&step, pool);
        err = which->build(&page, db, q, step);
        if (!err) {
            note_extent(extent, seen, json_object_get(page, "extent"), step);
            err = put_rows(out, json_object_get(page, "rows"), columns, step);
        }
        cursor = err ? NULL
                     : json_string_value(json_object_get(json_object_get(page, "table"), "cursor"));
        q->after = cursor ? apr_pstrdup(pool, cursor) : NULL;
        /* The error lives in the step's pool. */
        err = err ? wm_err_make(pool, err->code, "%s", wm_err_text(err, step)) : NULL;
        apr_pool_destroy(step);
        WM_TRY(err);
    } while (q->after);
    return NULL;
}

const wm_err *wm_page_csv(wm_buf **text, const json_t **extent, const wm_page *which, wm_db *db,
                          const wm_page_query *q, apr_pool_t *pool)
{
    json_t *sources = wm_json_own(json_array(), pool);
    wm_page_query all = *q;
    wm_buf *out;

    if (!which->csv || !which->csv(q))
        return wm_err_make(pool, WM_E_NOT_FOUND, "this page has no table to download");
    out = wm_buf_create(NULL, pool);
    all.everything = 1;
    all.after = all.before = NULL;
    for (const struct wm_csv_column *c = which->csv(q); c->header; c++) {
        WM_TRY(put(out, c->header));
        WM_TRY(put(out, c[1].header ? "," : "\r\n"));
    }
    WM_TRY(put_all(out, sources, which, db, &all, pool));
    *extent = sources;
    *text = out;
    return NULL;
}
