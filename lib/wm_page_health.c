/* SPDX-License-Identifier: Apache-2.0 */
/* How the server is, on the page System: the newest sample's checks and charts of a day, a week or a month. */
#include <string.h>

#include <apr_strings.h>

#include "wm_health.h"
#include "wm_page_int.h"

/* What the charts can show; the first is shown unless the address says otherwise. */
static const struct range {
    int days;
    int steps, seconds; /* of each step */
    const char *span;   /* samples of which they are made */
    const char *words, *step, *unit;
} ranges[] = {
    {1, 144, 600, "minute", "24 hours", "ten minutes", "points in 10 minutes"},
    {7, 168, 3600, "hour", "7 days", "hours", "points in an hour"},
    {30, 180, 14400, "hour", "30 days", "four hours", "points in 4 hours"},
};

enum { RANGES = sizeof ranges / sizeof *ranges };

static const struct range *range_of(const wm_page_query *q)
{
    for (int i = 0; i < RANGES; i++)
        if (ranges[i].days == q->days)
            return &ranges[i];
    return &ranges[0];
}

static void set_ranges(json_t *health, const wm_page_query *q, apr_pool_t *pool)
{
    const struct range *shown = range_of(q);
    json_t *list = json_array();

    for (int i = 0; i < RANGES; i++) {
        const char *days = i ? apr_itoa(pool, ranges[i].days) : NULL;

        json_array_append_new(
            list,
            json_pack("{s:s, s:b, s:s}", "words", ranges[i].words, "current", &ranges[i] == shown,
                      "link", wm_page_link(q, "system", WM_CHANGES({"days", days}), pool)));
    }
    json_object_set_new(health, "ranges", list);
    json_object_set_new(health, "range", json_string(shown->words));
    json_object_set_new(health, "step", json_string(shown->step));
    json_object_set_new(health, "unit", json_string(shown->unit));
    if (shown != ranges)
        json_object_set_new(health, "days", json_integer(shown->days));
}

/* Instead of the word {name, label, mark}. */
static void dress_state(json_t *object)
{
    static const struct {
        const char *label, *mark;
    } states[] = {{"OK", "✓"}, {"Warning", "!"}, {"Critical", "✕"}};
    int state = wm_health_state(json_string_value(json_object_get(object, "state")));

    json_object_set_new(object, "state",
                        json_pack("{s:s, s:s, s:s, s:s}", "name", wm_health_word(state), "label",
                                  states[state].label, "mark", states[state].mark, "help", ""));
}

/* The sum of member KEY of ROWS, where it is known. */
static apr_int64_t sum(const json_t *rows, const char *key)
{
    const json_t *row;
    apr_int64_t total = 0;
    size_t i;

    json_array_foreach(rows, i, row) total += json_integer_value(json_object_get(row, key));
    return total;
}

static void dress_rows(json_t *health, apr_pool_t *pool)
{
    static const char *const numbers[] = {"points", "bundles", "quarantined", "waiting",
                                          "connections"};
    json_t *rows = json_object_get(health, "rows"), *row;
    int folders = 0;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            wm_page_number_text(row, numbers[n], pool);
        folders |= json_is_number(json_object_get(row, "free_gb"));
    }
    json_object_set_new(health, "any_folders", json_boolean(folders));
    json_object_set_new(health, "arrival_words",
                        json_string(apr_psprintf(
                            pool, "%s in %s", wm_page_count(sum(rows, "points"), "point", pool),
                            wm_page_count(sum(rows, "bundles"), "upload", pool))));
}

const wm_err *wm_page_health(json_t *page, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    const struct range *range = range_of(q);
    json_t *health, *series, *check;
    size_t i;

    WM_TRY(wm_health_newest(&health, db, q->now, pool));
    WM_TRY(wm_page_ask(&series, db, WM_SQL_PAGE_HEALTH,
                       WM_ARGS(WM_TIME(q->now), WM_TEXT(wm_page_zone(page)), WM_I64(range->steps),
                               WM_I64(range->seconds), WM_TEXT(range->span)),
                       pool));
    json_object_update(health, series);
    json_object_del(health, "age"); /* of seconds; wm_page_ages says it in words */
    dress_state(health);
    json_array_foreach(json_object_get(health, "checks"), i, check) dress_state(check);
    dress_rows(health, pool);
    set_ranges(health, q, pool);
    json_object_set(page, "health", health);
    return NULL;
}
