/* SPDX-License-Identifier: Apache-2.0 */
/* The address is the state of a page: reading its arguments, and writing them into links. */
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "wm_page_int.h"
#include "wm_url.h"

/* One row per argument that links carry on. */
static const struct {
    const char *name;
    size_t place;
} arguments[] = {
    {"study", offsetof(wm_page_query, study)},
    {"zone", offsetof(wm_page_query, zone)},
    {"id", offsetof(wm_page_query, identifier)},
    {"id-number", offsetof(wm_page_query, id_number)},
    {"tab", offsetof(wm_page_query, tab)},
    {"generator", offsetof(wm_page_query, generator)},
    {"generator-number", offsetof(wm_page_query, generator_number)},
    {"who", offsetof(wm_page_query, who)},
    {"copy", offsetof(wm_page_query, copy)},
    {"day", offsetof(wm_page_query, day)},
    {"show", offsetof(wm_page_query, show)},
    {"q", offsetof(wm_page_query, search)},
    {"level", offsetof(wm_page_query, level)},
    {"state", offsetof(wm_page_query, state)},
    {"group", offsetof(wm_page_query, group)},
    {"silent", offsetof(wm_page_query, silent)},
    {"client", offsetof(wm_page_query, client)},
    {"without", offsetof(wm_page_query, without)},
    {"sort", offsetof(wm_page_query, sort)},
    {"after", offsetof(wm_page_query, after)},
    {"before", offsetof(wm_page_query, before)},
};

enum {
    ARGUMENTS = sizeof arguments / sizeof *arguments,
    NAME_ESCAPED_MAX = 1500 /* two names, a search, a group and a cursor fit into a request line */
};

static const char **slot(const wm_page_query *q, size_t i)
{
    return (const char **)((char *)(size_t)q + arguments[i].place);
}

const wm_err *wm_page_query_arg(wm_page_query *q, const char *name, const char *value,
                                apr_pool_t *pool)
{
    int *number = !strcmp(name, "limit") ? &q->limit : !strcmp(name, "days") ? &q->days : NULL;
    int is_name = !strcmp(name, "id") || !strcmp(name, "generator");
    int is_choice = !strcmp(name, "client") || !strcmp(name, "without");
    size_t bound = is_choice ? WM_PAGE_CHOICE_MAX : WM_PAGE_ESCAPED_MAX;

    if (!value || !*value)
        return NULL;
    if (strlen(value) > WM_PAGE_ARGUMENT_MAX)
        return wm_err_make(pool, WM_E_INPUT, "%s in the address has more than %d bytes", name,
                           WM_PAGE_ARGUMENT_MAX);
    if (!is_name && strlen(wm_url_escape(value, "", pool)) > bound)
        return wm_err_make(pool, WM_E_INPUT, "%s in the address is longer than links can carry",
                           name);
    for (size_t i = 0; i < ARGUMENTS; i++)
        if (!strcmp(name, arguments[i].name))
            *slot(q, i) = value;
    if (!number)
        return NULL;
    if (number == &q->days && !strcmp(value, "all")) {
        q->days = WM_PAGE_ALL_DAYS;
        return NULL;
    }
    if (strlen(value) > 4 || value[strspn(value, "0123456789")])
        return wm_err_make(pool, WM_E_INPUT, "%s in the address is no number", name);
    *number = (int)strtol(value, NULL, 10);
    return NULL;
}

static const wm_page_change *find(const wm_page_change *changes, const char *name)
{
    for (; changes->name; changes++)
        if (!strcmp(changes->name, name))
            return changes;
    return NULL;
}

static void add(const char **link, char *mark, const char *name, const char *value,
                apr_pool_t *pool)
{
    if (!value)
        return;
    *link = apr_psprintf(pool, "%s%c%s=%s", *link, *mark, name, wm_url_escape(value, "", pool));
    *mark = '&';
}

const char *wm_page_link_only(const wm_page_query *q, const char *path,
                              const wm_page_change *changes, apr_pool_t *pool)
{
    const char *link = apr_pstrcat(pool, q->base ? q->base : "", "/", path, NULL);
    char mark = '?';

    if (!find(changes, "study"))
        add(&link, &mark, "study", q->study, pool);
    if (!find(changes, "zone"))
        add(&link, &mark, "zone", q->zone, pool);
    for (; changes->name; changes++)
        add(&link, &mark, changes->name, changes->value, pool);
    return link;
}

static void add_field(json_t *list, const char *name, const char *value,
                      const wm_page_change *changes)
{
    const wm_page_change *change = find(changes, name);

    if (change)
        value = change->value;
    if (value)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "value", value));
}

const char *wm_page_days(int days, apr_pool_t *pool)
{
    return days == WM_PAGE_ALL_DAYS ? "all" : apr_itoa(pool, days);
}

json_t *wm_page_fields(const wm_page_query *q, const wm_page_change *changes, apr_pool_t *pool)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ARGUMENTS; i++) {
        const char *name = arguments[i].name;
        int cursor = !strcmp(name, "after") || !strcmp(name, "before");

        add_field(list, name, cursor ? NULL : *slot(q, i), changes);
    }
    add_field(list, "limit", q->limit ? apr_itoa(pool, q->limit) : NULL, changes);
    add_field(list, "days", q->days ? wm_page_days(q->days, pool) : NULL, changes);
    return list;
}

const char *wm_page_link(const wm_page_query *q, const char *path, const wm_page_change *changes,
                         apr_pool_t *pool)
{
    const char *link = apr_pstrcat(pool, q->base ? q->base : "", "/", path, NULL);
    json_t *fields = wm_page_fields(q, changes, pool), *field;
    char mark = '?';
    size_t i;

    json_array_foreach(fields, i, field)
        add(&link, &mark, json_string_value(json_object_get(field, "name")),
            json_string_value(json_object_get(field, "value")), pool);
    json_decref(fields);
    return link;
}

wm_page_name wm_page_name_of(const char *text, apr_int64_t number, apr_pool_t *pool)
{
    if (!number || strlen(wm_url_escape(text, "", pool)) <= NAME_ESCAPED_MAX)
        return (wm_page_name){.text = text};
    return (wm_page_name){.number = apr_psprintf(pool, "%" APR_INT64_T_FMT, number)};
}

const wm_err *wm_page_named(const char **name, wm_db *db, const char *text, const char *number,
                            wm_sql_id id, apr_pool_t *pool)
{
    json_t *answer;

    *name = text;
    if (text || !number)
        return NULL;
    if (strlen(number) > 18 || number[strspn(number, "0123456789")])
        return wm_err_make(pool, WM_E_INPUT, "a number in the address is none");
    WM_TRY(wm_page_ask(&answer, db, id, WM_ARGS(WM_I64(apr_atoi64(number))), pool));
    *name = json_string_value(json_object_get(answer, "name"));
    if (!*name)
        return wm_err_make(pool, WM_E_NOT_FOUND, "nothing has the number of the address");
    return NULL;
}

void wm_page_participant_link(json_t *row, const wm_page_query *q, apr_pool_t *pool)
{
    const char *identifier = json_string_value(json_object_get(row, "identifier"));
    wm_page_name id;

    if (!identifier)
        return;
    id = wm_page_name_of(identifier, json_integer_value(json_object_get(row, "id")), pool);
    json_object_set_new(
        row, "link",
        json_string(wm_page_link_only(
            q, "participant", WM_CHANGES({"id", id.text}, {"id-number", id.number}), pool)));
    wm_page_show_name(row, "identifier", pool);
}
