/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: sort links, keyset paging, sizes, downloads.  A cursor is "id:key", the sort key's value
 * at the time of the page: data that arrive meanwhile move rows, but skip none. */
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "wm_page_int.h"

static const int sizes[] = {25, 50, 100, 250};

enum { SIZES = sizeof sizes / sizeof *sizes, EVERYTHING_STEP = 1000 };

static int limit_of(const wm_page_query *q)
{
    if (q->everything)
        return EVERYTHING_STEP;
    for (int i = 0; i < SIZES; i++)
        if (q->limit == sizes[i])
            return q->limit;
    return WM_PAGE_LIMIT;
}

static const wm_err *read_cursor(wm_page_place *place, const char *cursor, apr_pool_t *pool)
{
    const char *colon = strchr(cursor, ':');
    size_t digits = strspn(cursor, "0123456789");

    if (!colon || !digits || digits > 18 || cursor + digits != colon)
        return wm_err_make(pool, WM_E_INPUT,
                           "the place in the list in the address is none of ours");
    place->id = apr_atoi64(cursor);
    place->key = colon + 1;
    return NULL;
}

const wm_err *wm_page_place_read(wm_page_place *place, const wm_page_query *q,
                                 const wm_page_column *columns, apr_pool_t *pool)
{
    const char *wanted = q->sort;

    memset(place, 0, sizeof *place);
    place->limit = limit_of(q);
    if (wanted && *wanted == '-') {
        place->descending = 1;
        wanted++;
    }
    for (; columns->key && !place->sort; columns++)
        if (columns->sortable && (!wanted || !strcmp(wanted, columns->key)))
            place->sort = columns->key;
    if (wanted && !place->sort)
        return wm_err_make(pool, WM_E_INPUT, "sort in the address is no column of this list");
    if (q->after)
        return read_cursor(place, q->after, pool);
    if (q->before) {
        place->backwards = 1;
        return read_cursor(place, q->before, pool);
    }
    return NULL;
}

static json_t *sort_columns(const char *path, const wm_page_column *columns,
                            const wm_page_place *place, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_array();

    for (; columns->key; columns++) {
        json_t *column = json_pack("{s:s, s:s, s:b}", "key", columns->key, "label", columns->label,
                                   "numeric", columns->numeric);
        int here = !strcmp(columns->key, place->sort ? place->sort : "");
        int down = here ? !place->descending : columns->descending;
        const char *sort = apr_pstrcat(pool, down ? "-" : "", columns->key, NULL);

        if (columns->sortable)
            json_object_set_new(
                column, "link",
                json_string(wm_page_link(q, path, WM_CHANGES({"sort", sort}), pool)));
        if (here && columns->sortable) {
            json_object_set_new(column, "sorted",
                                json_string(place->descending ? "descending" : "ascending"));
            json_object_set_new(column, "mark", json_string(place->descending ? "▼" : "▲"));
        }
        json_array_append_new(list, column);
    }
    return list;
}

/* The cursor that stands at row INDEX. */
static const char *cursor_at(const json_t *rows, size_t index, const char *id_key, apr_pool_t *pool)
{
    const json_t *row = json_array_get(rows, index);
    const char *key = json_string_value(json_object_get(row, "key"));

    return apr_psprintf(pool, "%" APR_INT64_T_FMT ":%s",
                        (apr_int64_t)json_integer_value(json_object_get(row, id_key)),
                        key ? key : "");
}

static void set_link(json_t *table, const char *name, const char *argument, const char *cursor,
                     const char *path, const wm_page_query *q, apr_pool_t *pool)
{
    json_object_set_new(table, name,
                        json_string(wm_page_link(q, path, WM_CHANGES({argument, cursor}), pool)));
}

static json_t *size_links(const char *path, const wm_page_place *place, const wm_page_query *q,
                          apr_pool_t *pool)
{
    json_t *list = json_array();

    for (int i = 0; i < SIZES; i++) {
        const char *link =
            wm_page_link(q, path, WM_CHANGES({"limit", apr_itoa(pool, sizes[i])}), pool);

        json_array_append_new(list, json_pack("{s:i, s:s, s:b}", "size", sizes[i], "link", link,
                                              "current", sizes[i] == place->limit));
    }
    return list;
}

void wm_page_table(json_t *page, json_t *rows, const char *caption, const char *path,
                   const wm_page_column *columns, const wm_page_place *place, const char *id_key,
                   const wm_page_query *q, apr_pool_t *pool)
{
    json_t *table = json_object();
    int more = json_array_size(rows) > (size_t)place->limit;
    size_t count;

    if (more)
        json_array_remove(rows, place->backwards ? 0 : (size_t)place->limit);
    count = json_array_size(rows);
    json_object_set_new(table, "caption", json_string(caption));
    json_object_set_new(table, "columns", sort_columns(path, columns, place, q, pool));
    json_object_set_new(table, "sizes", size_links(path, place, q, pool));
    json_object_set_new(table, "shown", json_integer((json_int_t)count));
    json_object_set_new(table, "empty", json_boolean(!count));
    if (count && (place->backwards || more)) {
        const char *cursor = cursor_at(rows, count - 1, id_key, pool);

        json_object_set_new(table, "cursor", json_string(cursor));
        set_link(table, "next", "after", cursor, path, q, pool);
    }
    if (count && (place->backwards ? more : place->id != 0))
        set_link(table, "previous", "before", cursor_at(rows, 0, id_key, pool), path, q, pool);
    if (place->id)
        set_link(table, "first", "after", NULL, path, q, pool);
    json_object_set_new(table, "paged", json_boolean(place->id || more));
    if (q->search)
        json_object_set_new(table, "search", json_string(q->search));
    if (q->generator)
        json_object_set_new(table, "generator", json_string(q->generator));
    if (q->generator_number)
        json_object_set_new(table, "generator_number", json_string(q->generator_number));
    if (q->identifier)
        json_object_set_new(table, "identifier", json_string(q->identifier));
    if (q->id_number)
        json_object_set_new(table, "id_number", json_string(q->id_number));
    if (q->sort)
        json_object_set_new(table, "sort", json_string(q->sort));
    if (q->limit)
        json_object_set_new(table, "limit", json_integer(place->limit));
    json_object_set_new(table, "chips", json_array());
    wm_page_columns_show(page, table, path, q);
    json_object_set_new(page, "table", table);
}

void wm_page_chip(json_t *page, const char *label, const char *value, const char *path,
                  const char *name, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *table = json_object_get(page, "table");
    const char *link = wm_page_link(q, path, WM_CHANGES({name, NULL}), pool);

    if (!value)
        return;
    json_object_set_new(table, "filtered", json_true());
    json_array_append_new(
        json_object_get(table, "chips"),
        json_pack("{s:s, s:s, s:s}", "label", label, "value", value, "link", link));
}
