/* SPDX-License-Identifier: Apache-2.0 */
/* One participant (dashboard document, 11.5). */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_int.h"
#include "wm_page_tables.h"

enum {
    DIGEST_SIZE = 36,
    GRID_DAYS_MAX = 370,   /* a year */
    GRID_CELLS_MAX = 12000 /* a few megabytes of page */
};

/* What every tab works with. */
typedef struct view {
    json_t *page;
    json_t *participant;
    apr_int64_t source, study;
    const char *generator; /* the one that the address names, or NULL */
    const char *zone;
    wm_db *db;
    const wm_page_query *q;
    apr_pool_t *pool;
} view;

typedef struct tab {
    const char *name, *label;
    const wm_err *(*build)(view *v);
    const struct wm_csv_column *csv;
} tab;

static const struct wm_csv_column generators_csv[] = {{"generator", "generator"},
                                                      {"kind", "kind"},
                                                      {"points", "points"},
                                                      {"first_created", "first"},
                                                      {"last_created", "last"},
                                                      {"last_received", "received"},
                                                      {"interval_seconds", "interval"},
                                                      {"hours_7d", "hours_7d"},
                                                      {"lag", "lag_words"},
                                                      {"lag_max_seconds", "lag_max"},
                                                      {"bytes", "bytes"},
                                                      {"repeats", "repeats"},
                                                      {"ahead_of_clock", "ahead"},
                                                      {NULL, NULL}};

static const struct wm_csv_column uploads_csv[] = {{"bundle", "bundle"},
                                                   {"received", "received"},
                                                   {"recorded", "recorded"},
                                                   {"request_bytes", "bytes"},
                                                   {"json_bytes", "json_bytes"},
                                                   {"compressed", "compressed"},
                                                   {"encrypted", "encrypted"},
                                                   {"points", "points"},
                                                   {"repeats", "repeats"},
                                                   {"quarantined", "quarantined"},
                                                   {"reasons", "reasons_words"},
                                                   {"client", "client"},
                                                   {NULL, NULL}};

static const wm_page_column uploads_columns[] = {
    {"received", "Received", 0, 0, 0}, {"bytes", "Size", 0, 0, 1},
    {"form", "Form", 0, 0, 0},         {"points", "Points", 0, 0, 1},
    {"repeats", "Repeats", 0, 0, 1},   {"quarantined", "Quarantined", 0, 0, 1},
    {"client", "Client", 0, 0, 0},     {NULL, NULL, 0, 0, 0}};

static const wm_page_column points_columns[] = {{"created", "Created", 0, 0, 0},
                                                {"recorded", "Recorded", 0, 0, 0},
                                                {"flags", "Changed on receipt", 0, 0, 0},
                                                {"properties", "Content", 0, 0, 0},
                                                {NULL, NULL, 0, 0, 0}};

/* The ranges to choose from, of which the one shown is returned: the address's, else the first. */
static int set_ranges(view *v)
{
    static const int ranges[] = {14, 30, 90, WM_PAGE_ALL_DAYS};
    json_t *list = json_array();
    int shown = ranges[0];
    size_t i;

    for (i = 1; i < sizeof ranges / sizeof *ranges; i++)
        if (v->q->days == ranges[i])
            shown = ranges[i];
    for (i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const char *days = wm_page_days(ranges[i], v->pool);

        json_array_append_new(
            list,
            json_pack("{s:s, s:b, s:s}", "days", days, "current", ranges[i] == shown, "link",
                      wm_page_link(v->q, "participant", WM_CHANGES({"days", days}), v->pool)));
    }
    json_object_set_new(v->page, "ranges", list);
    return shown;
}

static const wm_err *build_completeness(view *v)
{
    json_t *answer, *row;
    size_t i;

    WM_TRY(wm_page_ask(&answer, v->db, WM_SQL_PAGE_COMPLETENESS,
                       WM_ARGS(WM_I64(v->source), WM_TIME(v->q->now), WM_I64(set_ranges(v)),
                               WM_I64(GRID_DAYS_MAX), WM_I64(GRID_CELLS_MAX)),
                       v->pool));
    if (!answer)
        return NULL;
    json_array_foreach(json_object_get(answer, "totals"), i, row)
    {
        wm_page_number_text(row, "created", v->pool);
        wm_page_number_text(row, "received", v->pool);
    }
    json_object_set(v->page, "completeness", answer);
    json_object_set_new(v->page, "any_generators",
                        json_boolean(json_array_size(json_object_get(answer, "generators")) > 0));
    wm_page_grid(answer, v->q, v->pool);
    return NULL;
}

static const wm_err *build_day(view *v)
{
    const char *day = v->q->day;
    json_t *answer;

    if (!day) {
        const char *now = json_string_value(
            json_object_get(json_object_get(json_object_get(v->page, "study"), "now"), "at"));

        day = apr_pstrndup(v->pool, now, 10);
    }
    if (strlen(day) != 10 || day[strspn(day, "0123456789-")])
        return wm_err_make(v->pool, WM_E_INPUT, "day in the address is no day");
    WM_TRY(wm_page_ask(&answer, v->db, WM_SQL_PAGE_DAY,
                       WM_ARGS(WM_I64(v->source), WM_TIME(v->q->now), WM_TEXT(day)), v->pool));
    json_object_set_new(v->page, "day",
                        json_pack("{s:s, s:O, s:b, s:s?, s:s?}", "day", day, "generators", answer,
                                  "empty", !json_array_size(answer), "id", v->q->identifier,
                                  "id_number", v->q->id_number));
    wm_page_lanes(json_object_get(v->page, "day"), v->pool);
    return NULL;
}

static const wm_err *build_generators(view *v)
{
    json_t *answer, *row;
    size_t i;

    WM_TRY(wm_page_ask(&answer, v->db, WM_SQL_PAGE_SOURCE_GENERATORS,
                       WM_ARGS(WM_I64(v->source), WM_TIME(v->q->now), WM_TEXT(v->zone)), v->pool));
    json_object_set(v->page, "rows", answer);
    json_object_set_new(v->page, "empty", json_boolean(!json_array_size(answer)));
    json_array_foreach(answer, i, row)
    {
        const char *lag = wm_page_lag(json_string_value(json_object_get(row, "lag")));
        const json_t *interval = json_object_get(row, "interval");
        wm_page_name generator =
            wm_page_name_of(json_string_value(json_object_get(row, "generator")),
                            json_integer_value(json_object_get(row, "id")), v->pool);

        if (lag)
            json_object_set_new(row, "lag_words", json_string(lag));
        if (json_is_number(interval))
            json_object_set_new(
                row, "interval_words",
                json_string(wm_page_duration((apr_int64_t)json_number_value(interval), v->pool)));
        wm_page_show_name(row, "generator", v->pool);
        wm_page_number_text(row, "points", v->pool);
        wm_page_number_text(row, "repeats", v->pool);
        json_object_set_new(
            row, "bytes_text",
            json_string(wm_page_bytes((apr_int64_t)json_number_value(json_object_get(row, "bytes")),
                                      v->pool)));
        if (v->q->no_points)
            continue;
        json_object_set_new(row, "link",
                            json_string(wm_page_link_only(
                                v->q, "participant",
                                WM_CHANGES({"id", v->q->identifier}, {"id-number", v->q->id_number},
                                           {"tab", "points"}, {"generator", generator.text},
                                           {"generator-number", generator.number}),
                                v->pool)));
    }
    return NULL;
}

static const wm_err *build_uploads(view *v)
{
    wm_page_place place;
    json_t *answer, *row, *reason;
    size_t i, n;

    WM_TRY(wm_page_place_read(&place, v->q, uploads_columns, v->pool));
    WM_TRY(wm_page_ask(&answer, v->db, WM_SQL_PAGE_UPLOADS,
                       WM_ARGS(WM_I64(v->source), WM_TEXT(v->zone), WM_TEXT(place.key),
                               WM_I64(place.id), WM_BOOL(place.backwards), WM_I64(place.limit)),
                       v->pool));
    json_object_set(v->page, "rows", answer);
    wm_page_table(v->page, answer, "Uploads", "participant", uploads_columns, &place, "bundle",
                  v->q, v->pool);
    json_array_foreach(answer, i, row)
    {
        const char *words = "";

        json_array_foreach(json_object_get(row, "reasons"), n, reason) words =
            apr_pstrcat(v->pool, words, n ? ", " : "", json_string_value(reason), NULL);
        json_object_set_new(row, "reasons_words", json_string(words));
        json_object_set_new(
            row, "bytes_text",
            json_string(wm_page_bytes((apr_int64_t)json_number_value(json_object_get(row, "bytes")),
                                      v->pool)));
        wm_page_number_text(row, "points", v->pool);
        if (json_is_string(json_object_get(row, "client")))
            json_object_set_new(
                row, "client_short",
                json_string(
                    wm_page_short(json_string_value(json_object_get(row, "client")), 60, v->pool)));
    }
    return NULL;
}

/* The key of a point's row is its created time, a blank, and its digest. */
static const wm_err *build_points(view *v)
{
    const char *created = "", *digest = "", *blank, *generator;
    json_t *answer, *row, *flag;
    wm_page_place place;
    size_t i, n;

    WM_TRY(wm_page_place_read(&place, v->q, points_columns, v->pool));
    if (place.key) {
        blank = strchr(place.key, ' ');
        if (!blank || strlen(blank + 1) != DIGEST_SIZE)
            return wm_err_make(v->pool, WM_E_INPUT,
                               "the place in the list in the address is none of ours");
        created = apr_pstrndup(v->pool, place.key, (size_t)(blank - place.key));
        digest = blank + 1;
    }
    WM_TRY(wm_page_ask(&answer, v->db, WM_SQL_PAGE_POINTS,
                       WM_ARGS(WM_I64(v->source), WM_TEXT(v->zone),
                               WM_TEXT(v->generator ? v->generator : ""), WM_TEXT(created),
                               WM_TEXT(digest), WM_BOOL(place.backwards), WM_I64(place.limit),
                               WM_I64(WM_PAGE_DOCUMENTS_MAX / place.limit)),
                       v->pool));
    json_object_update(v->page, answer);
    generator = json_string_value(json_object_get(answer, "generator"));
    if (v->generator && !generator)
        return wm_err_make(v->pool, WM_E_NOT_FOUND, "this participant has no such generator");
    wm_page_show_name(v->page, "generator", v->pool);
    json_object_set_new(v->page, "generators_link",
                        json_string(wm_page_link_only(v->q, "participant",
                                                      WM_CHANGES({"id", v->q->identifier},
                                                                 {"id-number", v->q->id_number},
                                                                 {"tab", "generators"}),
                                                      v->pool)));
    json_array_foreach(json_object_get(v->page, "rows"), i, row)
    {
        const char *words = "";

        json_array_foreach(json_object_get(row, "flags"), n, flag) words =
            apr_pstrcat(v->pool, words, n ? ", " : "", json_string_value(flag), NULL);
        json_object_set_new(row, "flags_words", json_string(words));
        json_object_set_new(
            row, "bytes_text",
            json_string(wm_page_bytes((apr_int64_t)json_number_value(json_object_get(row, "bytes")),
                                      v->pool)));
        json_object_set_new(
            row, "key",
            json_string(apr_pstrcat(v->pool, json_string_value(json_object_get(row, "key")), " ",
                                    json_string_value(json_object_get(row, "digest")), NULL)));
    }
    wm_page_table(v->page, json_object_get(v->page, "rows"), "Recent points", "participant",
                  points_columns, &place, "id", v->q, v->pool);
    return wm_page_documents(v->page, json_object_get(v->page, "rows"), generator ? generator : "",
                             v->study, v->q, v->pool);
}

static const tab tabs[] = {
    {"completeness", "Completeness", build_completeness, NULL},
    {"day", "Day", build_day, NULL},
    {"generators", "Generators", build_generators, generators_csv},
    {"uploads", "Uploads", build_uploads, uploads_csv},
    {"points", "Recent points", build_points, NULL},
};

enum { TABS = sizeof tabs / sizeof *tabs };

static const tab *find_tab(const wm_page_query *q)
{
    for (int i = 0; q->tab && i < TABS; i++)
        if (!strcmp(q->tab, tabs[i].name))
            return &tabs[i];
    return q->tab ? NULL : &tabs[0];
}

const struct wm_csv_column *wm_csv_participant(const wm_page_query *q)
{
    const tab *chosen = find_tab(q);

    return chosen ? chosen->csv : NULL;
}

static void set_tabs(view *v)
{
    const char *identifier = json_string_value(json_object_get(v->participant, "identifier"));
    json_t *list = json_array();

    for (int i = 0; i < TABS; i++) {
        const wm_page_change changes[] = {{"id", v->q->identifier},
                                          {"id-number", v->q->id_number},
                                          {"tab", tabs[i].name},
                                          {NULL, NULL}};

        if (v->q->no_points && !strcmp(tabs[i].name, "points"))
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b}", "label", tabs[i].label, "link",
                                        wm_page_link_only(v->q, "participant", changes, v->pool),
                                        "current", &tabs[i] == find_tab(v->q)));
    }
    json_object_set_new(v->page, "tabs", list);
    json_object_set_new(v->page, "title", json_string(wm_page_short(identifier, 60, v->pool)));
}

const wm_err *wm_page_participant(json_t **made, wm_db *db, const wm_page_query *q,
                                  apr_pool_t *pool)
{
    wm_page_query here = *q;
    view v = {.db = db, .q = &here, .pool = pool};
    const tab *chosen = find_tab(q);
    const char *identifier;
    wm_page_name name;

    if (!q->identifier && !q->id_number)
        return wm_err_make(pool, WM_E_INPUT, "the address names no participant");
    if (!chosen)
        return wm_err_make(pool, WM_E_NOT_FOUND, "a participant has no such tab");
    WM_TRY(wm_page_begin(&v.page, &v.study, db, "participant", q, pool));
    v.zone = wm_page_zone(v.page);
    WM_TRY(
        wm_page_named(&identifier, db, q->identifier, q->id_number, WM_SQL_PAGE_SOURCE_NAME, pool));
    WM_TRY(wm_page_named(&v.generator, db, q->generator, q->generator_number,
                         WM_SQL_PAGE_GENERATOR_NAME, pool));
    WM_TRY(wm_page_ask(
        &v.participant, db, WM_SQL_PAGE_PARTICIPANT,
        WM_ARGS(WM_I64(v.study), WM_TIME(q->now), WM_TEXT(identifier), WM_TEXT(v.zone)), pool));
    if (!v.participant)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such participant");
    v.source = json_integer_value(json_object_get(v.participant, "id"));
    name = wm_page_name_of(identifier, v.source, pool);
    here.identifier = name.text;
    here.id_number = name.number;
    json_object_set(v.page, "participant", v.participant);
    json_array_append(json_object_get(v.page, "extent"), json_object_get(v.participant, "id"));
    wm_page_person(v.participant, q, pool);
    set_tabs(&v);
    json_object_set_new(v.page, apr_pstrcat(pool, "tab_", chosen->name, NULL), json_true());
    WM_TRY(chosen->build(&v));
    wm_page_ages(v.page, q->now, pool);
    *made = v.page;
    return NULL;
}
