/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>
#include <sodium.h>

#include "wm_export_int.h"
#include "wm_json_own.h"
#include "wm_zone.h"

static const char *const formats[] = {"tsv", "csv", "jsonl", "raw", NULL};
static const char *const clocks[] = {"created", "recorded", NULL};
static const char *const packings[] = {"one", "type", NULL};

/* What is being read. */
typedef struct reading {
    wm_export_definition *d;
    const json_t *json;
    wm_db *db;
    apr_pool_t *pool;
} reading;

/* The member NAME when it is there and not null. */
static const json_t *member(const reading *r, const char *name)
{
    const json_t *value = json_object_get(r->json, name);

    return json_is_null(value) ? NULL : value;
}

static const wm_err *text_member(const char **text, const reading *r, const char *name)
{
    const json_t *value = member(r, name);

    if (!value)
        return NULL;
    if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
        return wm_err_make(r->pool, WM_E_INPUT, "\"%s\" must be a text", name);
    *text = apr_pstrdup(r->pool, json_string_value(value));
    return NULL;
}

/* One of WORDS; the first when nothing is said. */
static const wm_err *choice(int *which, const reading *r, const char *name,
                            const char *const *words)
{
    const char *text = NULL, *list = "";

    WM_TRY(text_member(&text, r, name));
    *which = 0;
    for (int i = 0; text && words[i]; i++) {
        if (!strcmp(text, words[i])) {
            *which = i;
            return NULL;
        }
        list = apr_pstrcat(r->pool, list, i ? ", " : "", "\"", words[i], "\"", NULL);
    }
    return text ? wm_err_make(r->pool, WM_E_INPUT, "\"%s\" must be one of %s, not \"%s\"", name,
                              list, text)
                : NULL;
}

static const wm_err *check_members(const reading *r)
{
    static const char known[] = " study types sources groups from to clock zone format archives "
                                "pseudonyms sensitive newline ";
    const char *key;
    json_t *value;

    if (!json_is_object(r->json))
        return wm_err_make(r->pool, WM_E_INPUT, "a definition of an export is a JSON object");
    json_object_foreach((json_t *)r->json, key, value)
    {
        if (strchr(key, ' ') || !strstr(known, apr_pstrcat(r->pool, " ", key, " ", NULL)))
            return wm_err_make(r->pool, WM_E_INPUT, "\"%s\" is no member of a definition", key);
    }
    return NULL;
}

static int listed(const char *const *list, int count, const char *text)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(list[i], text))
            return 1;
    return 0;
}

/* A list of texts, each once, in the order given. */
static const wm_err *texts(apr_array_header_t **list, const reading *r, const char *name)
{
    const json_t *array = member(r, name);
    const json_t *item;
    size_t i;

    *list = NULL;
    if (!array)
        return NULL;
    if (!json_is_array(array))
        return wm_err_make(r->pool, WM_E_INPUT, "\"%s\" must be a list", name);
    *list = apr_array_make(r->pool, (int)json_array_size(array), sizeof(const char *));
    json_array_foreach(array, i, item)
    {
        if (!json_is_string(item) || !json_string_length(item))
            return wm_err_make(r->pool, WM_E_INPUT, "\"%s\" must be a list of texts", name);
        if (!listed((const char *const *)(*list)->elts, (*list)->nelts, json_string_value(item)))
            APR_ARRAY_PUSH(*list, const char *) = apr_pstrdup(r->pool, json_string_value(item));
    }
    return NULL;
}

static const wm_err *read_types(reading *r)
{
    wm_rows *rows;

    WM_TRY(texts(&r->d->types, r, "types"));
    if (!r->d->types || !r->d->types->nelts)
        return wm_err_make(r->pool, WM_E_INPUT, "name at least one type of data");
    for (int i = 0; i < r->d->types->nelts; i++) {
        const char *name = APR_ARRAY_IDX(r->d->types, i, const char *);
        const wm_export_type *type = wm_export_type_find(name, r->pool);

        if (!type->generic) {
            if (type->own && r->d->format == WM_EXPORT_RAW)
                return wm_err_make(r->pool, WM_E_INPUT, "\"%s\" has no points to export raw", name);
            continue;
        }
        WM_TRY(wm_db_rows(&rows, r->db, WM_SQL_EXPORT_ROWS_GENERATOR, WM_ARGS(WM_TEXT(name)),
                          r->pool));
        if (!wm_rows_count(rows))
            return wm_err_make(r->pool, WM_E_INPUT, "there is no type of data \"%s\"", name);
    }
    return NULL;
}

static const wm_err *read_sources(reading *r)
{
    wm_rows *rows;

    WM_TRY(texts(&r->d->sources, r, "sources"));
    for (int i = 0; r->d->sources && i < r->d->sources->nelts; i++) {
        const char *name = APR_ARRAY_IDX(r->d->sources, i, const char *);

        WM_TRY(wm_db_rows(&rows, r->db, WM_SQL_EXPORT_ROWS_SOURCE,
                          WM_ARGS(WM_I64(r->d->study), WM_TEXT(name)), r->pool));
        if (!wm_rows_count(rows))
            return wm_err_make(r->pool, WM_E_INPUT, "the study has no participant \"%s\"", name);
    }
    return NULL;
}

static const wm_err *read_groups(reading *r)
{
    const json_t *list = member(r, "groups"), *item;
    wm_rows *rows;
    size_t i;

    if (!list)
        return NULL;
    if (!json_is_array(list))
        return wm_err_make(r->pool, WM_E_INPUT, "\"groups\" must be a list");
    r->d->groups = apr_array_make(r->pool, (int)json_array_size(list), sizeof(apr_int64_t));
    json_array_foreach(list, i, item)
    {
        apr_int64_t id = json_integer_value(item);

        if (!json_is_integer(item))
            return wm_err_make(r->pool, WM_E_INPUT, "\"groups\" must be a list of numbers");
        WM_TRY(wm_db_rows(&rows, r->db, WM_SQL_EXPORT_ROWS_GROUP,
                          WM_ARGS(WM_I64(r->d->study), WM_I64(id)), r->pool));
        if (!wm_rows_count(rows))
            return wm_err_make(r->pool, WM_E_INPUT,
                               "the study has no group with the number %" APR_INT64_T_FMT, id);
        APR_ARRAY_PUSH(r->d->groups, apr_int64_t) = id;
    }
    return NULL;
}

static const wm_err *read_day(const char **day, const reading *r, const char *name)
{
    int year, month, date, end = 0;
    wm_local local;

    WM_TRY(text_member(day, r, name));
    if (!*day)
        return NULL;
    if (strlen(*day) == 10 && strspn(*day, "0123456789-") == 10 &&
        sscanf(*day, "%4d-%2d-%2d%n", &year, &month, &date, &end) == 3 && end == 10 && year > 0 &&
        month >= 1 && month <= 12 && date >= 1) {
        wm_zone_date(&local, wm_zone_days(year, month, date));
        if (local.month == month && local.day == date)
            return NULL;
    }
    return wm_err_make(r->pool, WM_E_INPUT, "\"%s\" must be a day like 2025-03-09, not \"%s\"",
                       name, *day);
}

/* A day that still goes on would be exported in part, and look like all of it (E31). */
static const wm_err *read_over(const reading *r)
{
    wm_rows *rows;

    if (!r->d->to)
        return NULL;
    WM_TRY(wm_db_rows(&rows, r->db, WM_SQL_EXPORT_ROWS_OVER,
                      WM_ARGS(WM_TEXT(r->d->to), WM_TEXT(r->d->zone)), r->pool));
    return wm_rows_bool(rows, 0, 0)
               ? NULL
               : wm_err_make(r->pool, WM_E_INPUT,
                             "the day %s is not over in %s: name an earlier last day, or none for "
                             "all there is so far",
                             r->d->to, r->d->zone);
}

static const wm_err *read_window(reading *r)
{
    wm_rows *rows;
    wm_zone *zone;
    int which;

    WM_TRY(read_day(&r->d->from, r, "from"));
    WM_TRY(read_day(&r->d->to, r, "to"));
    if (r->d->from && r->d->to && strcmp(r->d->from, r->d->to) > 0)
        return wm_err_make(r->pool, WM_E_INPUT, "the last day, %s, is before the first, %s",
                           r->d->to, r->d->from);
    WM_TRY(choice(&which, r, "clock", clocks));
    r->d->clock = which ? WM_EXPORT_BY_RECORDED : WM_EXPORT_BY_CREATED;
    WM_TRY(
        wm_db_rows(&rows, r->db, WM_SQL_EXPORT_ROWS_STUDY, WM_ARGS(WM_I64(r->d->study)), r->pool));
    if (!wm_rows_count(rows))
        return wm_err_make(r->pool, WM_E_INPUT,
                           "there is no study with the number %" APR_INT64_T_FMT, r->d->study);
    r->d->zone = wm_rows_text(rows, 0, 0);
    WM_TRY(text_member(&r->d->zone, r, "zone"));
    zone = wm_zone_find(r->d->zone, r->pool);
    if (!zone)
        return wm_err_make(r->pool, WM_E_INPUT, "there is no time zone \"%s\"", r->d->zone);
    r->d->zone = wm_zone_name(zone);
    return read_over(r);
}

/* true makes a key for this export; its name stands in the definition from then on, the key itself
 * is in the database alone. */
static const wm_err *read_key(reading *r)
{
    const json_t *value = member(r, "pseudonyms");
    unsigned char key[32], name[8];
    char hex[2 * sizeof key + 1];
    const char *text = "";
    wm_rows *rows;

    if (json_is_true(value)) {
        if (sodium_init() < 0)
            return wm_err_make(r->pool, WM_E_SYSTEM, "libsodium does not start");
        randombytes_buf(key, sizeof key);
        randombytes_buf(name, sizeof name);
        sodium_bin2hex(hex, sizeof hex, name, sizeof name);
        r->d->pseudonyms = apr_pstrdup(r->pool, hex);
        sodium_bin2hex(hex, sizeof hex, key, sizeof key);
        r->d->pseudonym_key = apr_pstrdup(r->pool, hex);
        return wm_db_do(
            NULL, r->db, WM_SQL_EXPORT_ROWS_KEY_ADD,
            WM_ARGS(WM_TEXT(r->d->pseudonyms), WM_I64(r->d->study), WM_BYTES(key, sizeof key)),
            r->pool);
    }
    if (!json_is_false(value))
        WM_TRY(text_member(&text, r, "pseudonyms"));
    r->d->pseudonyms = text;
    if (!*text)
        return NULL;
    WM_TRY(wm_db_rows(&rows, r->db, WM_SQL_EXPORT_ROWS_KEY,
                      WM_ARGS(WM_TEXT(text), WM_I64(r->d->study)), r->pool));
    if (!wm_rows_count(rows))
        return wm_err_make(r->pool, WM_E_INPUT, "there is no key for pseudonyms \"%s\"", text);
    r->d->pseudonym_key = wm_rows_text(rows, 0, 0);
    return NULL;
}

const wm_err *wm_export_define(wm_export_definition **definition, const json_t *json, wm_db *db,
                               apr_pool_t *pool)
{
    wm_export_definition *d = apr_pcalloc(pool, sizeof *d);
    reading r = {d, json, db, pool};
    const json_t *sensitive;
    int which;

    WM_TRY(check_members(&r));
    if (!json_is_integer(member(&r, "study")))
        return wm_err_make(pool, WM_E_INPUT, "\"study\" must be the number of a study");
    d->study = json_integer_value(member(&r, "study"));
    WM_TRY(read_window(&r));
    WM_TRY(choice(&which, &r, "format", formats));
    d->format = (wm_export_format)which;
    WM_TRY(choice(&d->archive_per_type, &r, "archives", packings));
    sensitive = member(&r, "sensitive");
    if (sensitive && !json_is_boolean(sensitive))
        return wm_err_make(pool, WM_E_INPUT, "\"sensitive\" must be true or false");
    d->sensitive = !json_is_false(sensitive);
    d->newline = "";
    WM_TRY(text_member(&d->newline, &r, "newline"));
    WM_TRY(read_types(&r));
    WM_TRY(read_sources(&r));
    WM_TRY(read_groups(&r));
    WM_TRY(read_key(&r));
    *definition = d;
    return NULL;
}

static json_t *day_json(const char *day)
{
    return day ? json_string(day) : json_null();
}

static json_t *list_json(const apr_array_header_t *list)
{
    json_t *array = json_array();

    for (int i = 0; list && i < list->nelts; i++)
        json_array_append_new(array, json_string(APR_ARRAY_IDX(list, i, const char *)));
    return array;
}

const char *wm_export_canonical(const wm_export_definition *d, apr_pool_t *pool)
{
    json_t *root = wm_json_own(json_object(), pool), *groups = json_null();
    const char *text;
    char *dump;

    if (d->groups)
        groups = json_array();
    for (int i = 0; d->groups && i < d->groups->nelts; i++)
        json_array_append_new(groups, json_integer(APR_ARRAY_IDX(d->groups, i, apr_int64_t)));
    json_object_set_new(root, "study", json_integer(d->study));
    json_object_set_new(root, "types", list_json(d->types));
    json_object_set_new(root, "sources", d->sources ? list_json(d->sources) : json_null());
    json_object_set_new(root, "groups", groups);
    json_object_set_new(root, "from", day_json(d->from));
    json_object_set_new(root, "to", day_json(d->to));
    json_object_set_new(root, "clock", json_string(clocks[d->clock == WM_EXPORT_BY_RECORDED]));
    json_object_set_new(root, "zone", json_string(d->zone));
    json_object_set_new(root, "format", json_string(formats[d->format]));
    json_object_set_new(root, "archives", json_string(packings[!!d->archive_per_type]));
    json_object_set_new(root, "pseudonyms", json_string(d->pseudonyms ? d->pseudonyms : ""));
    json_object_set_new(root, "sensitive", json_boolean(d->sensitive));
    json_object_set_new(root, "newline", json_string(d->newline));
    dump = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    text = dump ? apr_pstrdup(pool, dump) : NULL;
    free(dump);
    return text;
}

const wm_err *wm_export_window(apr_time_t *from, apr_time_t *to, const wm_export_definition *d,
                               wm_db *db, apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_EXPORT_ROWS_WINDOW,
                      WM_ARGS(WM_TEXT(d->from), WM_TEXT(d->to), WM_TEXT(d->zone)), pool));
    *from = wm_rows_text(rows, 0, 0) ? wm_rows_i64(rows, 0, 0) : 0;
    *to = wm_rows_text(rows, 0, 1) ? wm_rows_i64(rows, 0, 1) : APR_INT64_MAX;
    return NULL;
}
