/* SPDX-License-Identifier: Apache-2.0 */
/* Coordinates of the drawings that are inline SVG: templates put in numbers only. */
#include <math.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"

enum {
    CELL = 24,
    GAP = 2,
    HEAD = 34,
    ROW = 26,
    QUARTERS = 96,
    QUARTER_WIDTH = 8,
    NAME_COLUMNS = 4, /* so near its beginning a month needs no second name */
    LANE_LEFT = 10    /* room for half the words of hours 0 and 24 */
};

/* Class of a cell: its letter, so that it does not depend on colour, and its words. */
static const struct {
    const char *name, *letter, *words;
} classes[] = {
    {"blank", "", "not in the study, or not due yet"},
    {"none", "0", "no data"},
    {"thin", "¼", "under 25 %"},
    {"half", "½", "25 to 75 %"},
    {"full", "■", "over 75 %"},
    {"burst", "B", "burst: over ten times the usual number of points"},
    {"some", "•", "data (an event generator: hours are not expected)"},
    {"quiet", "", "no events"},
};

static size_t class_of(const char *name)
{
    size_t i = 0;

    while (i + 1 < sizeof classes / sizeof *classes && strcmp(name, classes[i].name))
        i++;
    return i;
}

static const char *basis_words(const char *basis)
{
    return !strcmp(basis, "part")    ? "of the part of this day that counts"
           : !strcmp(basis, "study") ? "set by the study"
           : !strcmp(basis, "own")   ? "this participant's usual hours on this weekday"
                                     : "the whole day, nothing else is known yet";
}

static const char *count_of(const json_t *cell, const char *key, const char *one, apr_pool_t *pool)
{
    return wm_page_count((apr_int64_t)json_number_value(json_object_get(cell, key)), one, pool);
}

/* What a cell counts, and of how many: hours of those expected where hours are expected, the day where
 * something is due once a day, and of the others hours alone. */
static const char *ratio(const json_t *cell, const char *kind, apr_pool_t *pool)
{
    double hours = json_number_value(json_object_get(cell, "hours"));

    if (!strcmp(json_string_value(json_object_get(cell, "class")), "blank"))
        return "–";
    if (!strcmp(kind, "daily"))
        return json_number_value(json_object_get(cell, "points")) > 0 ? "1/1" : "0/1";
    return strcmp(kind, "continuous")
               ? apr_psprintf(pool, "%.0f", hours)
               : apr_psprintf(pool, "%.0f/%.0f", hours,
                              json_number_value(json_object_get(cell, "expected")));
}

static void dress_cell(json_t *cell, int column, const char *generator, const char *kind,
                       const wm_page_query *q, apr_pool_t *pool)
{
    size_t class = class_of(json_string_value(json_object_get(cell, "class")));
    const char *day = json_string_value(json_object_get(cell, "day"));
    int daily = !strcmp(kind, "daily"), judged = class >= 1 && class <= 4;
    const char *says = daily && judged
                           ? class == 1 ? "due once a day, no data" : "came, as once a day"
                           : classes[class].words;
    const char *words = apr_psprintf(pool, "%s, %s: %s; %s in %s", generator, day, says,
                                     count_of(cell, "points", "point", pool),
                                     count_of(cell, "hours", "hour", pool));

    if (judged && !daily)
        words = apr_psprintf(pool, "%s of %.0f expected (%s)", words,
                             json_number_value(json_object_get(cell, "expected")),
                             basis_words(json_string_value(json_object_get(cell, "basis"))));
    json_object_set_new(cell, "ratio", json_string(ratio(cell, kind, pool)));
    json_object_set_new(cell, "x", json_integer(column * CELL));
    json_object_set_new(cell, "text_x", json_integer(column * CELL + (CELL - GAP) / 2));
    json_object_set_new(cell, "letter", json_string(classes[class].letter));
    json_object_set_new(cell, "words", json_string(words));
    json_object_set_new(
        cell, "link",
        json_string(wm_page_link_only(q, "participant",
                                      WM_CHANGES({"id", q->identifier}, {"id-number", q->id_number},
                                                 {"tab", "day"}, {"day", day}),
                                      pool)));
}

static void dress_row(json_t *row, int at, const wm_page_query *q, apr_pool_t *pool)
{
    const char *kind = json_string_value(json_object_get(row, "kind"));
    json_t *cell;
    size_t i;

    json_object_set_new(row, "y", json_integer(HEAD + at * ROW));
    json_object_set_new(row, "text_y", json_integer(HEAD + at * ROW + 16));
    wm_page_show_name(row, "generator", pool);
    json_array_foreach(json_object_get(row, "cells"), i, cell)
        dress_cell(cell, (int)i, json_string_value(json_object_get(row, "short")), kind, q, pool);
}

static int day_of_month(const json_t *days, size_t column)
{
    const char *day = json_string_value(json_array_get(days, column));

    return (day[8] - '0') * 10 + day[9] - '0';
}

/* The last column says it too, because it is the one that a narrow page begins with.  At both ends
 * there is no room for it when a month begins beside it. */
static int names_month(const json_t *days, size_t column)
{
    int number = day_of_month(days, column);
    size_t columns = json_array_size(days);

    if (!column)
        return columns < 2 || day_of_month(days, 1) != 1;
    return number == 1 || (column + 1 == columns && number > NAME_COLUMNS);
}

/* The day's number above each column, and the month at both ends and where it begins. */
static json_t *day_heads(const json_t *days, const wm_page_query *q, apr_pool_t *pool)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    json_t *list = json_array(), *day;
    size_t i;

    json_array_foreach(days, i, day)
    {
        const char *text = json_string_value(day);
        int month = (text[5] - '0') * 10 + text[6] - '1';
        json_t *head = json_pack(
            "{s:s, s:s, s:i, s:s}", "day", text, "number", text + 8, "x",
            (int)i * CELL + (CELL - GAP) / 2, "link",
            wm_page_link_only(q, "participant",
                              WM_CHANGES({"id", q->identifier}, {"id-number", q->id_number},
                                         {"tab", "day"}, {"day", text}),
                              pool));

        if (names_month(days, i))
            json_object_set_new(head, "month", json_string(months[month % 12]));
        json_array_append_new(list, head);
    }
    return list;
}

void wm_page_grid(json_t *completeness, const wm_page_query *q, apr_pool_t *pool)
{
    const json_t *days = json_object_get(completeness, "days");
    json_t *rows = json_object_get(completeness, "generators"), *row, *legend = json_array();
    size_t i;

    json_array_foreach(rows, i, row) dress_row(row, (int)i, q, pool);
    for (i = 0; i < sizeof classes / sizeof *classes; i++)
        json_array_append_new(legend,
                              json_pack("{s:s, s:s, s:s}", "class", classes[i].name, "letter",
                                        classes[i].letter, "words", classes[i].words));
    json_object_set_new(completeness, "heads", day_heads(days, q, pool));
    json_object_set_new(completeness, "legend", legend);
    json_object_set_new(completeness, "width",
                        json_integer((json_int_t)json_array_size(days) * CELL));
    json_object_set_new(completeness, "height",
                        json_integer(HEAD + (json_int_t)json_array_size(rows) * ROW));
    json_object_set_new(completeness, "cell", json_integer(CELL - GAP));
}

/* The runs of quarter-hours with data as bars. */
static json_t *runs(const char *quarters)
{
    json_t *list = json_array();
    int from = -1;

    for (int i = 0; i <= QUARTERS; i++) {
        int set = i < QUARTERS && quarters[i] == '1';

        if (set && from < 0)
            from = i;
        if (!set && from >= 0) {
            json_array_append_new(list,
                                  json_pack("{s:i, s:i}", "x", LANE_LEFT + from * QUARTER_WIDTH,
                                            "width", (i - from) * QUARTER_WIDTH));
            from = -1;
        }
    }
    return list;
}

void wm_page_lanes(json_t *day, apr_pool_t *pool)
{
    json_t *rows = json_object_get(day, "generators"), *row, *hours = json_array();
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *quarters = json_string_value(json_object_get(row, "quarters"));

        json_object_set_new(row, "y", json_integer(HEAD + (json_int_t)i * ROW));
        wm_page_show_name(row, "generator", pool);
        json_object_set_new(
            row, "runs", quarters && strlen(quarters) == QUARTERS ? runs(quarters) : json_array());
        wm_page_number_text(row, "points", pool);
    }
    for (int hour = 0; hour <= 24; hour += 3)
        json_array_append_new(hours, json_pack("{s:i, s:i}", "hour", hour, "x",
                                               LANE_LEFT + hour * 4 * QUARTER_WIDTH));
    json_object_set_new(day, "hours", hours);
    json_object_set_new(day, "left", json_integer(LANE_LEFT));
    json_object_set_new(day, "lane", json_integer(QUARTERS * QUARTER_WIDTH));
    json_object_set_new(day, "width", json_integer(2 * LANE_LEFT + QUARTERS * QUARTER_WIDTH));
    json_object_set_new(day, "height",
                        json_integer(HEAD + (json_int_t)json_array_size(rows) * ROW));
}

void wm_page_spark(json_t *object, const json_t *values, int width, int height, apr_pool_t *pool)
{
    size_t i, count = json_array_size(values);
    const char *line = "", *words = "";
    double most = 1;
    json_t *value;

    json_array_foreach(values, i, value) most = fmax(most, json_number_value(value));
    json_array_foreach(values, i, value)
    {
        double x = count > 1 ? (double)i * (width - 4) / (double)(count - 1) + 2 : 2;
        double y = height - 2 - json_number_value(value) / most * (height - 4);

        line = apr_psprintf(pool, "%s%s%.1f,%.1f", line, i ? " " : "", x, y);
        words = apr_psprintf(pool, "%s%s%.0f", words, i ? ", " : "", json_number_value(value));
    }
    json_object_set_new(object, "line", json_string(line));
    json_object_set_new(object, "line_words", json_string(words));
}
