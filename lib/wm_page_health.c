/* SPDX-License-Identifier: Apache-2.0 */
/* How the server is, on the page System: the newest sample's checks and charts of a day. */
#include <string.h>

#include <apr_strings.h>

#include "wm_health.h"
#include "wm_page_int.h"

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
    json_t *health, *series, *check;
    size_t i;

    WM_TRY(wm_health_newest(&health, db, q->now, pool));
    WM_TRY(wm_page_ask(&series, db, WM_SQL_PAGE_HEALTH,
                       WM_ARGS(WM_TIME(q->now), WM_TEXT(wm_page_zone(page))), pool));
    json_object_update(health, series);
    json_object_del(health, "age"); /* of seconds; wm_page_ages says it in words */
    dress_state(health);
    json_array_foreach(json_object_get(health, "checks"), i, check) dress_state(check);
    dress_rows(health, pool);
    json_object_set(page, "health", health);
    return NULL;
}
