/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of participants and of unassigned sources (dashboard document, 11.3 and 11.4). */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_page_int.h"
#include "wm_page_tables.h"

enum { CELL_STEP = 9, CELL_SIZE = 8, MATCH_MAX = 100, HOUR = 3600, DAY = 24 * HOUR };

static const wm_page_column participant_columns[] = {{"identifier", "Id", 1, 0, 0},
                                                     {"state", "State", 1, 0, 0},
                                                     {"name", "Name", 1, 0, 0},
                                                     {"group", "Group", 1, 0, 0},
                                                     {"received", "Last received", 1, 0, 0},
                                                     {"hours", "Hours with data, 14 days", 0, 0, 0},
                                                     {"points_7d", "Points, 7 days", 0, 0, 1},
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
                                                       {NULL, NULL}};

static const wm_page_column unassigned_columns[] = {
    {"identifier", "Id", 0, 0, 0},          {"first", "First received", 0, 0, 0},
    {"received", "Last received", 0, 0, 0}, {"points", "Points", 0, 0, 1},
    {"generators", "Generators", 0, 0, 1},  {"client", "Client", 0, 0, 0},
    {"match", "Likely match", 0, 0, 0},     {NULL, NULL, 0, 0, 0}};

static const struct wm_csv_column unassigned_csv[] = {
    {"id", "identifier"},   {"first_received", "first"},          {"last_received", "received"},
    {"points", "points"},   {"generators", "generators"},         {"client", "client"},
    {"version", "version"}, {"likely_match", "match.identifier"}, {NULL, NULL}};

const struct wm_csv_column *wm_csv_participants(const wm_page_query *q)
{
    (void)q;
    return participant_csv;
}

const struct wm_csv_column *wm_csv_unassigned(const wm_page_query *q)
{
    (void)q;
    return unassigned_csv;
}

/* How many there are on all pages of the list, and the word for them. */
static void set_total(json_t *page, const char *one, apr_pool_t *pool)
{
    int many = json_integer_value(json_object_get(page, "total")) != 1;

    wm_page_number_text(page, "total", pool);
    json_object_set_new(page, "total_noun",
                        json_string(apr_pstrcat(pool, one, many ? "s" : "", NULL)));
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

static void dress_participants(json_t *page, const wm_page_query *q, apr_pool_t *pool)
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

/* The choices of the filter form: states that occur with their numbers, and groups. */
static void set_choices(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    static const char *const order[] = {"problem",   "received",  "never",  "silent",  "late",
                                        "partial",   "clock",     "active", "invited", "paused",
                                        "completed", "withdrawn", "erased"};
    json_t *counts = json_object_get(page, "counts"), *states = json_array(),
           *groups = json_array(), *group;
    size_t i;

    for (i = 0; i < sizeof order / sizeof *order; i++) {
        apr_int64_t n = json_integer_value(json_object_get(counts, order[i]));
        json_t *state = wm_page_state_of(order[i]);
        const char *label = json_string_value(json_object_get(state, "label"));
        int chosen = q->state && !strcmp(q->state, order[i]);

        if (!label)
            label = i ? "Sending" : "All with a problem";
        else
            label = apr_psprintf(pool, "%s (%" APR_INT64_T_FMT ")", label, n);
        if (n || chosen || i < 2)
            json_array_append_new(states, json_pack("{s:s, s:s, s:b}", "value", order[i], "label",
                                                    label, "chosen", chosen));
        json_decref(state);
    }
    json_object_set_new(page, "states", states);
    json_array_foreach(json_object_get(page, "groups"), i, group)
    {
        const char *name = json_string_value(group);

        json_array_append_new(groups, json_pack("{s:s, s:s, s:b}", "value", name, "label", name,
                                                "chosen", q->group && !strcmp(q->group, name)));
    }
    if (i)
        json_array_append_new(groups,
                              json_pack("{s:s, s:s, s:b}", "value", "-", "label", "Without a group",
                                        "chosen", q->group && !strcmp(q->group, "-")));
    json_object_set_new(page, "groups", groups);
    json_object_set_new(page, "has_groups", json_boolean(json_array_size(groups) > 0));
}

/* What the chip of the state filter says. */
static const char *state_label(const char *state, apr_pool_t *pool)
{
    json_t *known = state ? wm_page_state_of(state) : NULL;
    const char *label = json_string_value(json_object_get(known, "label"));

    if (state && !label)
        label = !strcmp(state, "problem")    ? "With a problem"
                : !strcmp(state, "received") ? "Sending"
                                             : "Expected to send";
    label = label ? apr_pstrdup(pool, label) : NULL;
    json_decref(known);
    return label;
}

const wm_err *wm_page_participants(json_t **made, wm_db *db, const wm_page_query *q,
                                   apr_pool_t *pool)
{
    const char *states, *generator;
    json_t *page, *answer;
    wm_page_place place;
    apr_int64_t study;

    WM_TRY(wm_page_begin(&page, &study, db, "participants", q, pool));
    WM_TRY(wm_page_place_read(&place, q, participant_columns, pool));
    WM_TRY(wm_page_states(&states, q->state, pool));
    WM_TRY(wm_page_named(&generator, db, q->generator, q->generator_number,
                         WM_SQL_PAGE_GENERATOR_NAME, pool));
    WM_TRY(
        wm_page_ask(&answer, db, WM_SQL_PAGE_PARTICIPANTS,
                    WM_ARGS(WM_I64(study), WM_TIME(q->now), WM_TEXT(q->search), WM_TEXT(states),
                            WM_TEXT(q->group), WM_TEXT(place.sort), WM_BOOL(place.descending),
                            WM_TEXT(place.key), WM_I64(place.id), WM_BOOL(place.backwards),
                            WM_I64(place.limit), WM_TEXT(generator), WM_TEXT(wm_page_zone(page))),
                    pool));
    json_object_update(page, answer);
    set_total(page, "participant", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Participants", "participants",
                  participant_columns, &place, "id", q, pool);
    wm_page_chip(page, "Search", q->search, "participants", "q", q, pool);
    wm_page_chip(page, "State", state_label(q->state, pool), "participants", "state", q, pool);
    wm_page_chip(page, "Group", q->group && !strcmp(q->group, "-") ? "none" : q->group,
                 "participants", "group", q, pool);
    wm_page_chip(page, "Sent within 24 hours", wm_page_shown(generator, pool), "participants",
                 q->generator ? "generator" : "generator-number", q, pool);
    set_choices(page, q, pool);
    dress_participants(page, q, pool);
    wm_page_extend(page, json_object_get(page, "rows"));
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}

/* Edit distance of A and B in bytes, up to 2; 3 for more.  Three diagonals either side suffice. */
static int distance(const char *a, const char *b)
{
    int rows[2][MATCH_MAX + 1], size_a = (int)strlen(a), size_b = (int)strlen(b);
    int *above = rows[0], *here = rows[1];

    if (size_a > MATCH_MAX || size_b > MATCH_MAX || abs(size_a - size_b) > 2)
        return 3;
    for (int j = 0; j <= size_b; j++)
        above[j] = j;
    for (int i = 1; i <= size_a; i++) {
        int best = here[0] = i, *swap;

        for (int j = 1; j <= size_b; j++) {
            int least = above[j - 1] + (a[i - 1] != b[j - 1]);

            least = above[j] + 1 < least ? above[j] + 1 : least;
            here[j] = here[j - 1] + 1 < least ? here[j - 1] + 1 : least;
            best = here[j] < best ? here[j] : best;
        }
        if (best > 2)
            return 3;
        swap = above;
        above = here;
        here = swap;
    }
    return above[size_b] > 2 ? 3 : above[size_b];
}

/* A listed id that never started and is nearly the same: most likely a slip of the pen.  Two letters
 * off it must be the only one: ids that were given in a row are all that near to each other. */
static void dress_unassigned(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    const json_t *waiting = json_object_get(page, "waiting");
    json_t *row, *listed;
    size_t i, n;

    json_array_foreach(json_object_get(page, "rows"), i, row)
    {
        const char *id = json_string_value(json_object_get(row, "identifier")), *found = NULL;
        int best = 3, rivals = 0;

        json_array_foreach(waiting, n, listed)
        {
            int far = distance(id, json_string_value(listed));

            rivals = far < best ? 0 : far == best ? rivals + 1 : rivals;
            if (far < best) {
                best = far;
                found = json_string_value(listed);
            }
        }
        if (found && (best < 2 || !rivals)) {
            json_t *match = json_pack("{s:s}", "identifier", found);

            wm_page_participant_link(match, q, pool);
            json_object_set_new(row, "match", match);
        }
        wm_page_participant_link(row, q, pool);
        wm_page_number_text(row, "points", pool);
    }
    json_object_del(page, "waiting");
}

const wm_err *wm_page_unassigned(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    wm_page_place place;
    json_t *page, *answer;
    apr_int64_t study;

    WM_TRY(wm_page_begin(&page, &study, db, "unassigned", q, pool));
    WM_TRY(wm_page_place_read(&place, q, unassigned_columns, pool));
    WM_TRY(wm_page_ask(&answer, db, WM_SQL_PAGE_UNASSIGNED,
                       WM_ARGS(WM_I64(study), WM_TIME(q->now), WM_TEXT(q->search), WM_I64(place.id),
                               WM_BOOL(place.backwards), WM_I64(place.limit),
                               WM_TEXT(wm_page_zone(page))),
                       pool));
    json_object_update(page, answer);
    set_total(page, "source", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Unassigned sources", "unassigned",
                  unassigned_columns, &place, "id", q, pool);
    wm_page_chip(page, "Search", q->search, "unassigned", "q", q, pool);
    dress_unassigned(page, q, pool);
    wm_page_extend(page, json_object_get(page, "rows"));
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
