/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a table that an account chooses to see (dashboard document, 11).  CSV and JSON have all. */
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"
#include "wm_page_tables.h"
#include "wm_pgarray.h"

#define SHOW "show-"

/* A new one is a row here; in its template each cell stands in a section table.show.KEY. */
typedef struct choice {
    const char *path;
    const wm_page_column *columns;
    const char *always; /* the one that says whose row it is */
} choice;

static const choice choices[] = {
    {"participants", wm_columns_participants, "identifier"},
};

static const choice *find(const char *path)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (!strcmp(choices[i].path, path))
            return &choices[i];
    return NULL;
}

int wm_page_has_columns(const wm_page *page)
{
    return find(page->path) != NULL;
}

static int holds(const json_t *list, const char *key)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        if (!strcmp(json_string_value(one), key))
            return 1;
    }
    return 0;
}

void wm_page_columns_show(json_t *page, json_t *table, const char *path, const wm_page_query *q)
{
    const json_t *hidden = json_object_get(page, "hidden");
    const choice *chosen = find(path);
    json_t *show = json_object(), *column;
    size_t i;

    json_array_foreach(json_object_get(table, "columns"), i, column)
    {
        const char *key = json_string_value(json_object_get(column, "key"));
        int always = chosen && !strcmp(chosen->always, key);
        int shown = always || !holds(hidden, key);

        json_object_set_new(column, "always", json_boolean(always));
        json_object_set_new(column, "shown", json_boolean(shown));
        json_object_set_new(show, key, json_boolean(shown));
    }
    json_object_set_new(table, "show", show);
    json_object_set_new(table, "own", json_boolean(json_is_array(hidden)));
    if (chosen && q->person)
        json_object_set_new(table, "chooser", json_string(path));
    json_object_del(page, "hidden");
}

void wm_page_column_drop(json_t *page, const char *key)
{
    json_t *table = json_object_get(page, "table"), *columns = json_object_get(table, "columns");
    size_t i = json_array_size(columns);

    while (i--)
        if (!strcmp(json_string_value(json_object_get(json_array_get(columns, i), "key")), key))
            json_array_remove(columns, i);
    json_object_del(json_object_get(table, "show"), key);
}

static int is_column(const choice *table, const char *key)
{
    for (const wm_page_column *column = table->columns; column->key; column++)
        if (!strcmp(column->key, key))
            return 1;
    return 0;
}

/* Every box that was sent must be one of ours. */
static const wm_err *check(const choice *table, const apr_table_t *fields, apr_pool_t *pool)
{
    const apr_array_header_t *all = apr_table_elts(fields);

    for (int i = 0; i < all->nelts; i++) {
        const char *name = APR_ARRAY_IDX(all, i, apr_table_entry_t).key;

        if (!strncmp(name, SHOW, sizeof SHOW - 1) && !is_column(table, name + sizeof SHOW - 1))
            return wm_err_make(pool, WM_E_INPUT, "the table has no such column");
    }
    return NULL;
}

const wm_err *wm_page_columns_keep(wm_db *db, const wm_page *page, apr_int64_t account,
                                   const apr_table_t *fields, apr_pool_t *pool)
{
    const choice *table = find(page->path);
    wm_pgarray hidden;

    WM_TRY(check(table, fields, pool));
    if (apr_table_get(fields, "default"))
        return wm_db_do(NULL, db, WM_SQL_PAGE_COLUMNS_FORGET,
                        WM_ARGS(WM_I64(account), WM_TEXT(table->path)), pool);
    WM_TRY(wm_pgarray_begin(&hidden, WM_OID_TEXT, NULL, pool));
    for (const wm_page_column *column = table->columns; column->key; column++)
        if (strcmp(column->key, table->always) &&
            !apr_table_get(fields, apr_pstrcat(pool, SHOW, column->key, NULL)))
            WM_TRY(wm_pgarray_add_word(&hidden, column->key));
    return wm_db_do(
        NULL, db, WM_SQL_PAGE_COLUMNS_KEEP,
        WM_ARGS(WM_I64(account), WM_TEXT(table->path), wm_pgarray_arg(&hidden, WM_OID_TEXT_ARRAY)),
        pool);
}
