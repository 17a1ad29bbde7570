/* SPDX-License-Identifier: Apache-2.0 */
/* One export, and what a list says of each (dashboard document, 11.8). */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_export.h"

enum { NAME_CHARACTERS = 60, LISTED = 20 };

/* Of the states that the database has, and of those that follow from deliveries: name, mark, label,
 * what it means, does it change by itself. */
#define STATES(X)                                                                                 \
    X("queued", "○", "Queued", "Waits for a runner.", 1)                                          \
    X("counting", "◔", "Counting", "The rows are counted before they are written.", 1)            \
    X("running", "▶", "Running", "Rows are written.", 1)                                          \
    X("packing", "◕", "Packing", "The finished parts are put into the archive.", 1)               \
    X("delivering", "➜", "Delivering", "The archive is ready and on its way to destinations.", 1) \
    X("ready", "✓", "Ready", "The archive can be downloaded.", 0)                                 \
    X("delivered", "✓", "Delivered", "The archive is at its destinations.", 0)                    \
    X("failed", "✕", "Failed", "It was tried as often as it may be.", 0)                          \
    X("cancelled", "⊘", "Cancelled", "Somebody ended it.", 0)                                     \
    X("expired", "–", "Expired", "The archive is no longer kept.", 0)

const wm_export_state wm_export_states[] = {
#define X(name, mark, label, help, live) {name, mark, label, help, live},
    STATES(X)
#undef X
        {NULL, NULL, NULL, NULL, 0}};

const wm_export_state *wm_export_state_find(const char *name)
{
    for (const wm_export_state *state = wm_export_states; name && state->name; state++)
        if (!strcmp(state->name, name))
            return state;
    return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static apr_int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* What an archive follows from, in words. */
static void say_definition(json_t *row, apr_pool_t *pool)
{
    const json_t *d = json_object_get(row, "definition");
    const json_t *sources = json_object_get(d, "sources"), *groups = json_object_get(d, "groups");
    const char *from = text_of(d, "from"), *to = text_of(d, "to"), *clock = text_of(d, "clock");
    const char *who = "all participants", *when = "all time";

    if (json_is_array(sources))
        who = wm_page_count((apr_int64_t)json_array_size(sources), "participant", pool);
    else if (json_is_array(groups))
        who = wm_page_count((apr_int64_t)json_array_size(groups), "group", pool);
    if (*from && *to)
        when = apr_pstrcat(pool, from, " to ", to, NULL);
    else if (*from || *to)
        when = apr_pstrcat(pool, *from ? "from " : "to ", *from ? from : to, NULL);
    json_object_set_new(row, "who", json_string(who));
    json_object_set_new(row, "when", json_string(when));
    json_object_set_new(row, "clock",
                        json_string(strcmp(clock, "recorded") ? "created" : "recorded"));
    json_object_set_new(
        row, "types_words",
        json_string(wm_page_count((apr_int64_t)json_array_size(json_object_get(d, "types")), "type",
                                  pool)));
}

/* How far, how fast, how long still: a range, because a second would be false. */
static void say_progress(json_t *row, int live, apr_pool_t *pool)
{
    apr_int64_t rows = number_of(row, "rows"), expected = number_of(row, "rows_expected");
    apr_int64_t seconds = number_of(row, "seconds");
    json_t *progress = json_object_get(row, "progress");
    int known = expected > 0, percent = 0;

    if (known)
        percent = rows >= expected ? 100 : (int)(100.0 * (double)rows / (double)expected);
    wm_page_progress(progress, pool);
    json_object_set_new(row, "percent", json_integer(percent));
    json_object_set_new(row, "percent_known", json_boolean(known && live));
    if (!live || seconds <= 0 || rows <= 0)
        return;
    json_object_set_new(
        row, "rate_words",
        json_string(apr_pstrcat(pool, wm_page_count(rows / seconds, "row", pool), "/s", NULL)));
    if (known && rows < expected) {
        double left = (double)(expected - rows) * (double)seconds / (double)rows;

        json_object_set_new(
            row, "left_words",
            json_string(apr_pstrcat(pool, wm_page_duration((apr_int64_t)(left * 0.7) + 1, pool),
                                    " to ", wm_page_duration((apr_int64_t)(left * 1.6) + 2, pool),
                                    " left", NULL)));
    }
}

int wm_page_export_is_sensitive(const json_t *definition)
{
    return !json_is_false(json_object_get(definition, "sensitive"));
}

const wm_err *wm_page_export_permit(const wm_account *person, apr_int64_t study,
                                    const json_t *definition, apr_pool_t *pool)
{
    if (!wm_page_export_is_sensitive(definition) || wm_account_may(person, WM_MAY_SENSITIVE, study))
        return NULL;
    return wm_err_make(pool, WM_E_SENSITIVE,
                       "%s has not the right \"sensitive\" in study %" APR_INT64_T_FMT,
                       person ? person->name : "nobody", study);
}

int wm_page_may_change_export(const wm_account *person, apr_int64_t study, apr_int64_t by)
{
    return wm_account_may(person, WM_MAY_CONFIGURE, study) ||
           (by == person->id && wm_account_may(person, WM_MAY_EXPORT, study));
}

static int may_change(const json_t *row, const wm_page_query *q)
{
    return q->person &&
           wm_page_may_change_export(q->person, number_of(json_object_get(row, "study"), "id"),
                                     number_of(row, "by_id"));
}

/* What can be done with it now. */
static void set_actions(json_t *row, const wm_export_state *state, const char *path,
                        const wm_page_query *q, apr_pool_t *pool)
{
    const char *base = text_of(row, "base_state");
    int gone = !strcmp(state->name, "expired"), ready = !strcmp(base, "ready");
    int over = ready || !state->live, change = may_change(row, q);
    int deleted = json_is_object(json_object_get(row, "deleted"));
    int sealed = wm_page_export_permit(q->person, number_of(json_object_get(row, "study"), "id"),
                                       json_object_get(row, "definition"), pool) != NULL;

    if (ready && !gone)
        json_object_set_new(
            row, sealed ? "sealed" : "download",
            json_string(sealed ? WM_PAGE_ASK_FOR_SENSITIVE
                               : wm_page_link_only(q, apr_pstrcat(pool, path, "/download", NULL),
                                                   WM_NO_CHANGES, pool)));
    json_object_set_new(row, "cancel", json_boolean(change && !over));
    json_object_set_new(row, "repeat", json_boolean(over && !sealed));
    json_object_set_new(row, "delete", json_boolean(change && over && !deleted));
}

int wm_page_export_dress(json_t *row, const wm_page_query *q, apr_pool_t *pool)
{
    const wm_export_state *state = wm_export_state_find(text_of(row, "state"));
    const char *path = apr_psprintf(pool, "exports/%" APR_INT64_T_FMT, number_of(row, "id"));
    const char *name = text_of(row, "name");

    if (!state)
        state = &wm_export_states[0];
    json_object_set_new(row, "link", json_string(wm_page_link_only(q, path, WM_NO_CHANGES, pool)));
    json_object_set_new(row, "short", json_string(wm_page_short(name, NAME_CHARACTERS, pool)));
    json_object_set_new(row, "state",
                        json_pack("{s:s, s:s, s:s, s:s}", "name", state->name, "label",
                                  state->label, "mark", state->mark, "help", state->help));
    if (!json_is_string(json_object_get(row, "by")))
        json_object_set_new(row, "by", json_string("the schedule"));
    say_definition(row, pool);
    say_progress(row, state->live, pool);
    set_actions(row, state, path, q, pool);
    wm_page_number_text(row, "rows", pool);
    wm_page_number_text(row, "rows_expected", pool);
    wm_page_number_text(row, "downloads", pool);
    json_object_set_new(row, "bytes_text",
                        json_string(wm_page_bytes(number_of(row, "bytes"), pool)));
    if (json_is_integer(json_object_get(row, "file_bytes")))
        json_object_set_new(row, "size_text",
                            json_string(wm_page_bytes(number_of(row, "file_bytes"), pool)));
    json_object_del(row, "key");
    return state->live;
}

const wm_err *wm_page_export_ask(json_t **answer, wm_db *db, const wm_page_query *q,
                                 const wm_page_place *place, const char *states,
                                 apr_int64_t account, apr_int64_t number, const char *zone,
                                 apr_pool_t *pool)
{
    wm_arg studies;

    WM_TRY(wm_page_studies(&studies, q, WM_MAY_EXPORT, pool));
    return wm_page_ask(answer, db, WM_SQL_PAGE_EXPORTS,
                       WM_ARGS(studies, WM_TIME(q->now), WM_I64(account), WM_TEXT(states),
                               WM_TEXT(q->search), WM_TEXT(place->sort), WM_BOOL(place->descending),
                               WM_TEXT(place->key), WM_I64(place->id), WM_BOOL(place->backwards),
                               WM_I64(place->limit), WM_TEXT(zone), WM_I64(number)),
                       pool);
}

static void dress_parts(json_t *export, apr_pool_t *pool)
{
    json_t *part, *delivery;
    size_t i;

    json_array_foreach(json_object_get(export, "parts"), i, part)
    {
        wm_page_number_text(part, "rows", pool);
        wm_page_number_text(part, "defects", pool);
        json_object_set_new(part, "bytes_text",
                            json_string(wm_page_bytes(number_of(part, "bytes"), pool)));
        json_object_set_new(part, "packed_text",
                            json_string(wm_page_bytes(number_of(part, "packed_bytes"), pool)));
    }
    json_object_set_new(export, "any_parts", json_boolean(i > 0));
    wm_page_count_words(export, "part_count", "part", pool);
    json_array_foreach(json_object_get(export, "deliveries"), i, delivery)
        json_object_set_new(delivery, "bytes_text",
                            json_string(wm_page_bytes(number_of(delivery, "bytes_done"), pool)));
    json_object_set_new(export, "any_deliveries", json_boolean(i > 0));
}

/* The lists of the definition, each up to a bound; the JSON has all of them. */
static const wm_err *list_definition(json_t *export, wm_db *db, apr_pool_t *pool)
{
    static const char *const lists[] = {"types", "sources"};
    const json_t *d = json_object_get(export, "definition"), *groups = json_object_get(d, "groups");
    json_t *names;
    wm_arg ids;
    size_t i;

    for (i = 0; i < sizeof lists / sizeof *lists; i++) {
        const json_t *all = json_object_get(d, lists[i]);
        json_t *some = json_array();
        size_t n, count = json_array_size(all);

        for (n = 0; n < count && n < LISTED; n++) {
            const char *name = wm_page_shown(json_string_value(json_array_get(all, n)), pool);

            json_array_append_new(some, json_string(name ? name : ""));
        }
        json_object_set_new(export, apr_pstrcat(pool, "listed_", lists[i], NULL), some);
        if (count > LISTED)
            json_object_set_new(export, apr_pstrcat(pool, "more_", lists[i], NULL),
                                json_integer((json_int_t)(count - LISTED)));
    }
    json_object_set_new(export, "some_sources",
                        json_boolean(json_is_array(json_object_get(d, "sources"))));
    if (!json_is_array(groups))
        return NULL;
    WM_TRY(wm_page_numbers_arg(&ids, groups, pool));
    WM_TRY(wm_page_ask(&names, db, WM_SQL_PAGE_EXPORT_GROUPS, WM_ARGS(ids), pool));
    json_object_set(export, "listed_groups", names);
    return NULL;
}

/* What the page of one export says beside what the list does. */
static void say_more(json_t *export)
{
    const json_t *d = json_object_get(export, "definition");
    const char *format = text_of(d, "format");

    json_object_set_new(export, "format",
                        json_string(!strcmp(format, "csv")     ? "CSV"
                                    : !strcmp(format, "jsonl") ? "JSON Lines"
                                    : !strcmp(format, "raw")   ? "raw, as received"
                                                               : "TSV"));
    json_object_set_new(export, "zone", json_string(text_of(d, "zone")));
    json_object_set_new(export, "pseudonyms", json_boolean(*text_of(d, "pseudonyms") != 0));
    json_object_set_new(export, "sensitive", json_boolean(wm_page_export_is_sensitive(d)));
}

const wm_err *wm_page_export(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    wm_page_place place = {.limit = 1};
    wm_page_query one = *q;
    json_t *page, *answer, *export, *more;
    apr_int64_t study;
    int live;

    if (!q->number)
        return wm_err_make(pool, WM_E_NOT_FOUND, "the address names no export");
    one.search = NULL;
    WM_TRY(wm_page_begin(&page, &study, db, "exports/*", q, pool));
    WM_TRY(wm_page_export_ask(&answer, db, &one, &place, NULL, 0, q->number, wm_page_zone(page),
                              pool));
    export = json_array_get(json_object_get(answer, "rows"), 0);
    if (!export)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such export in studies of theirs");
    WM_TRY(wm_page_ask(&more, db, WM_SQL_PAGE_EXPORT_PARTS,
                       WM_ARGS(WM_I64(q->number), WM_TEXT(wm_page_zone(page))), pool));
    json_object_update(export, more);
    json_object_set(page, "export", export);
    json_object_set_new(page, "title",
                        json_string(apr_psprintf(pool, "Export %" APR_INT64_T_FMT, q->number)));
    live = wm_page_export_dress(export, q, pool);
    dress_parts(export, pool);
    say_more(export);
    WM_TRY(list_definition(export, db, pool));
    wm_page_live(page, live, apr_psprintf(pool, "exports/%" APR_INT64_T_FMT, q->number), q, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
