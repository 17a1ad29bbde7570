/* SPDX-License-Identifier: Apache-2.0 */
/* The list of participants (dashboard document, 11.3). */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_int.h"
#include "wm_page_tables.h"

enum { CELL_STEP = 9, CELL_SIZE = 8, HOUR = 3600, DAY = 24 * HOUR };

const wm_page_column wm_columns_participants[] = {{"identifier", "Id", 1, 0, 0},
                                                  {"state", "State", 1, 0, 0},
                                                  {"name", "Name", 1, 0, 0},
                                                  {"group", "Group", 1, 0, 0},
                                                  {"received", "Last received", 1, 0, 0},
                                                  {"hours", "Hours with data, 14 days", 0, 0, 0},
                                                  {"points_7d", "Points, 7 days", 0, 0, 1},
                                                  {"alerts", "Open alerts", 0, 0, 1},
                                                  {"life", "Last sign of life", 1, 0, 0},
                                                  {"created", "Last created", 1, 0, 0},
                                                  {"lag", "Median lag, 7 days", 0, 0, 0},
                                                  {"generators", "Generators, 7 days", 0, 0, 1},
                                                  {"battery", "Battery", 1, 0, 1},
                                                  {"client", "Client", 1, 0, 0},
                                                  {"points", "Points", 1, 1, 1},
                                                  {"enrolled", "Enrolled", 1, 1, 0},
                                                  {NULL, NULL, 0, 0, 0}};

static const struct wm_csv_column participant_csv[] = {{"id", "identifier"},
                                                       {"name", "name"},
                                                       {"group", "group"},
                                                       {"state", "state"},
                                                       {"enrolled", "enrolled"},
                                                       {"last_received", "received"},
                                                       {"last_sign_of_life", "sign_of_life"},
                                                       {"last_created", "created"},
                                                       {"lag_7d", "lag_words"},
                                                       {"points", "points"},
                                                       {"points_7d", "points_7d"},
                                                       {"generators_7d", "generators_7d"},
                                                       {"battery", "battery"},
                                                       {"client", "client"},
                                                       {"version", "version"},
                                                       {"open_alerts", "alerts"},
                                                       {NULL, NULL}};

const struct wm_csv_column *wm_csv_participants(const wm_page_query *q)
{
    (void)q;
    return participant_csv;
}

static apr_int64_t day_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(row, key), "epoch")) / DAY;
}

/* Is nothing due on DAY: before the enrolment, after the end, or today, which has just begun? */
static int is_blank(const json_t *row, apr_int64_t day, apr_time_t now)
{
    static const char *const ends[] = {"completed", "withdrawn", "erased"};
    const char *state = json_string_value(json_object_get(json_object_get(row, "state"), "name"));

    if (day < day_of(row, "enrolled"))
        return 1;
    for (size_t i = 0; state && i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(state, ends[i]) && day > day_of(row, "since"))
            return 1;
    return day == apr_time_sec(now) / DAY && apr_time_sec(now) % DAY < DAY / 4;
}

/* Fourteen small cells; each has a class by its hours, so that thin days look thin.  Today is judged
 * by its hours so far. */
static void dress_cells(json_t *row, apr_time_t now, apr_pool_t *pool)
{
    json_t *hours = json_object_get(row, "hours"), *cells = json_array(), *hour;
    apr_int64_t today = apr_time_sec(now) / DAY, so_far = apr_time_sec(now) % DAY / HOUR + 1;
    const char *words = "";
    size_t i, count = json_array_size(hours);

    json_array_foreach(hours, i, hour)
    {
        int n = (int)json_integer_value(hour), height = n == 0 ? 1 : 2 + n * 14 / 24;
        int blank = !n && is_blank(row, today - (apr_int64_t)(count - 1 - i), now);
        int of_day = i + 1 < count ? n : n * 24 / (int)so_far;
        const char *class = n == 0 ? "none" : of_day < 6 ? "thin" : of_day <= 18 ? "half" : "full";

        if (!blank)
            json_array_append_new(cells, json_pack("{s:i, s:i, s:i, s:i, s:s}", "x",
                                                   (int)i * CELL_STEP, "y", 16 - height, "width",
                                                   CELL_SIZE, "height", height, "class", class));
        words = apr_pstrcat(pool, words, i ? ", " : "", blank ? "–" : apr_itoa(pool, n), NULL);
    }
    json_object_set_new(row, "cells", cells);
    json_object_set_new(row, "cells_words", json_string(words));
}

/* How many open alerts there are about the participant of ROW, and where; nothing of it without MAY. */
static void dress_alerts(json_t *row, int may, const wm_page_query *q, apr_pool_t *pool)
{
    const char *identifier = json_string_value(json_object_get(row, "identifier"));
    wm_page_name id =
        wm_page_name_of(identifier, json_integer_value(json_object_get(row, "id")), pool);

    if (!may) {
        json_object_del(row, "alerts");
        return;
    }
    wm_page_number_text(row, "alerts", pool);
    json_object_set_new(
        row, "alerts_link",
        json_string(wm_page_link_only(
            q, "alerts", WM_CHANGES({"id", id.text}, {"id-number", id.number}), pool)));
}

static void dress_participants(json_t *page, int alerts, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(page, "rows"), i, row)
    {
        const char *lag = wm_page_lag(json_string_value(json_object_get(row, "lag")));

        wm_page_state(row);
        wm_page_participant_link(row, q, pool);
        wm_page_number_text(row, "points", pool);
        wm_page_number_text(row, "points_7d", pool);
        dress_alerts(row, alerts, q, pool);
        if (lag)
            json_object_set_new(row, "lag_words", json_string(lag));
        if (json_is_number(json_object_get(row, "battery")))
            json_object_set_new(row, "has_battery", json_true());
        if (!strcmp(json_string_value(json_object_get(row, "name")),
                    json_string_value(json_object_get(row, "identifier"))))
            json_object_set_new(row, "name", json_null());
        dress_cells(row, q->now, pool);
        json_object_del(row, "key");
    }
}

const wm_err *wm_page_participants(json_t **made, wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool)
{
    wm_page_filters filters;
    json_t *page, *answer;
    wm_page_place place;
    apr_int64_t study;
    wm_arg studies;
    int alerts;

    WM_TRY(wm_page_begin(&page, &study, db, "participants", q, pool));
    WM_TRY(wm_page_place_read(&place, q, wm_columns_participants, pool));
    WM_TRY(wm_page_filters_read(&filters, db, q, pool));
    WM_TRY(wm_page_studies(&studies, q, WM_MAY_STATES, pool));
    WM_TRY(wm_page_ask(
        &answer, db, WM_SQL_PAGE_PARTICIPANTS,
        WM_ARGS(WM_I64(study), WM_TIME(q->now), WM_TEXT(q->search), WM_TEXT(filters.states),
                WM_TEXT(q->group), WM_TEXT(place.sort), WM_BOOL(place.descending),
                WM_TEXT(place.key), WM_I64(place.id), WM_BOOL(place.backwards), WM_I64(place.limit),
                WM_TEXT(filters.generator), WM_TEXT(wm_page_zone(page)), WM_I64(filters.silent),
                WM_TEXT(q->client), WM_TEXT(q->without), studies),
        pool));
    json_object_update(page, answer);
    wm_page_total(page, "participant", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Participants", "participants",
                  wm_columns_participants, &place, "id", q, pool);
    alerts = !q->person || wm_page_may_see_alert(q->person, study);
    if (!alerts)
        wm_page_column_drop(page, "alerts");
    WM_TRY(wm_page_filters_show(page, &filters, q, pool));
    dress_participants(page, alerts, q, pool);
    wm_page_extend(page, json_object_get(page, "rows"));
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
