/* SPDX-License-Identifier: Apache-2.0 */
/* Overview: is every participant sending data? (dashboard document, 11.2) */
#include <string.h>

#include <apr_strings.h>

#include "wm_alert.h"
#include "wm_json_own.h"
#include "wm_page_int.h"

enum { BAR_WIDTH = 1000, SPARK_WIDTH = 120, SPARK_HEIGHT = 24 };

static apr_int64_t count_of(const json_t *counts, const char *state)
{
    return json_integer_value(json_object_get(counts, state));
}

/* How many are in STATES ("late,silent"). */
static apr_int64_t count_all(const json_t *counts, const char *names, apr_pool_t *pool)
{
    char *rest = apr_pstrdup(pool, names), *comma;
    apr_int64_t sum = 0;

    for (; rest; rest = comma ? comma + 1 : NULL) {
        comma = strchr(rest, ',');
        if (comma)
            *comma = 0;
        sum += count_of(counts, rest);
    }
    return sum;
}

/* {count, one, text, link}: every number is a link to what it counts. */
static json_t *number(const json_t *counts, const char *state, const char *sort,
                      const wm_page_query *q, apr_pool_t *pool)
{
    const char *names = state, *link;
    apr_int64_t n;

    (void)wm_page_states(&names, state, pool);
    n = count_all(counts, names, pool);
    link = wm_page_link_only(q, "participants", WM_CHANGES({"state", state}, {"sort", sort}), pool);
    return json_pack("{s:I, s:b, s:s, s:s}", "count", (json_int_t)n, "one", n == 1, "text",
                     wm_page_number(n, pool), "link", link);
}

/* "182 of 200 participants sent data in the last 12 hours (3 partial); 11 late, 5 silent, 2 never
 * started."  Those in brackets are among those who sent. */
static json_t *sentence(const json_t *counts, const wm_page_query *q, apr_pool_t *pool)
{
    static const struct {
        const char *state, *words;
        int sent;
    } parts[] = {{"late", "late", 0},
                 {"silent", "silent", 0},
                 {"never", "never started", 0},
                 {"partial", "partial", 1},
                 {"clock", "with a wrong clock", 1}};
    json_t *made = json_object(), *others = json_array(), *among = json_array(), *list;

    json_object_set_new(made, "received", number(counts, "received", "-received", q, pool));
    json_object_set_new(made, "expected", number(counts, "expected", NULL, q, pool));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *part = number(counts, parts[i].state, "received", q, pool);

        if (!json_integer_value(json_object_get(part, "count"))) {
            json_decref(part);
            continue;
        }
        list = parts[i].sent ? among : others;
        json_object_set_new(part, "words", json_string(parts[i].words));
        json_object_set_new(part, "comma", json_boolean(json_array_size(list) > 0));
        json_array_append_new(list, part);
    }
    json_object_set_new(made, "any_among", json_boolean(json_array_size(among) > 0));
    json_object_set_new(made, "among", among);
    json_object_set_new(made, "all_well", json_boolean(!json_array_size(others)));
    json_object_set_new(made, "others", others);
    return made;
}

/* One bar divided by state: offsets and widths out of BAR_WIDTH. */
static json_t *state_bar(const json_t *counts, const wm_page_query *q, apr_pool_t *pool)
{
    static const char *const order[] = {"active",    "clock",     "partial", "late",
                                        "silent",    "never",     "invited", "paused",
                                        "completed", "withdrawn", "erased"};
    apr_int64_t total = count_all(
        counts, "erased,withdrawn,completed,paused,invited,never,silent,late,partial,clock,active",
        pool);
    json_t *bar = json_object(), *parts = json_array();
    double x = 0;

    for (size_t i = 0; total && i < sizeof order / sizeof *order; i++) {
        json_t *part = number(counts, order[i], NULL, q, pool);
        double width =
            (double)json_integer_value(json_object_get(part, "count")) / (double)total * BAR_WIDTH;

        if (width > 0) {
            json_object_set_new(part, "state", wm_page_state_of(order[i]));
            json_object_set_new(part, "x", json_real(x));
            json_object_set_new(part, "width", json_real(width));
            json_array_append(parts, part);
        }
        json_decref(part);
        x += width;
    }
    json_object_set_new(bar, "total", json_integer(total));
    json_object_set_new(bar, "total_text", json_string(wm_page_number(total, pool)));
    json_object_set_new(bar, "total_words", json_string(wm_page_count(total, "participant", pool)));
    json_object_set_new(bar, "width", json_integer(BAR_WIDTH));
    json_object_set_new(bar, "parts", parts);
    return bar;
}

static const char *cause_words(const json_t *row, apr_pool_t *pool)
{
    static const struct {
        const char *name, *words;
    } causes[] = {
        {"never", "nothing ever arrived: was the client installed, with the right address?"},
        {"clock", "the clock of the device is wrong"},
        {"required", "a required generator is missing: was a permission withdrawn?"},
        {"alive", "the client is alive, but sends no data"},
        {"battery", NULL},
        {"version", NULL},
    };
    const char *name = json_string_value(json_object_get(row, "cause"));

    if (!strcmp(name, "battery"))
        return apr_psprintf(pool, "battery at %.0f %% in the last report",
                            json_number_value(json_object_get(row, "battery")));
    if (!strcmp(name, "version"))
        return apr_psprintf(pool, "shares version %s with most who are silent",
                            json_string_value(json_object_get(row, "version")));
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].words && !strcmp(name, causes[i].name))
            return causes[i].words;
    return "unknown";
}

static void dress_attention(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *rows, *row;
    size_t i;

    if (q->counts_only)
        json_object_set_new(page, "attention", json_array());
    rows = json_object_get(page, "attention");
    json_array_foreach(rows, i, row)
    {
        json_object_set_new(row, "cause_words", json_string(cause_words(row, pool)));
        wm_page_state(row);
        wm_page_participant_link(row, q, pool);
    }
    json_object_set_new(page, "any_attention", json_boolean(json_array_size(rows) > 0));
    wm_page_extend(page, rows);
}

/* "4 of 5 silent participants run Webmunk 2.1.0; 3 of 182 who send do." */
static void dress_shared(json_t *page)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(page, "shared"), i, row)
    {
        const char *what = json_string_value(json_object_get(row, "what"));

        json_object_set_new(row, "words",
                            json_string(!strcmp(what, "group") ? "are in group" : "run"));
        json_object_set_new(row, "one",
                            json_boolean(json_integer_value(json_object_get(row, "sending")) == 1));
    }
}

static void dress_generators(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(page, "generators"), i, row)
    {
        wm_page_name name = wm_page_name_of(json_string_value(json_object_get(row, "generator")),
                                            json_integer_value(json_object_get(row, "id")), pool);
        const char *link = wm_page_link_only(
            q, "participants",
            WM_CHANGES({"generator", name.text}, {"generator-number", name.number}), pool);

        wm_page_show_name(row, "generator", pool);
        json_object_set_new(row, "link", json_string(link));
        wm_page_spark(row, json_object_get(row, "days"), SPARK_WIDTH, SPARK_HEIGHT, pool);
        wm_page_number_text(row, "points", pool);
        wm_page_number_text(row, "sources", pool);
    }
    json_object_set_new(page, "any_generators",
                        json_boolean(json_array_size(json_object_get(page, "generators")) > 0));
}

/* "3 critical, 2 warnings", each with its list; who sees counts only gets none. */
static void dress_alerts(json_t *page, const wm_page_query *q, apr_pool_t *pool)
{
    const json_t *counts = json_object_get(page, "alerts");
    json_t *list = json_array();

    for (const wm_alert_level *level = wm_alert_levels; level->name && !q->counts_only; level++) {
        apr_int64_t n = json_integer_value(json_object_get(counts, level->name));

        if (n)
            json_array_append_new(
                list,
                json_pack(
                    "{s:b, s:s, s:s, s:s}", "comma", json_array_size(list) > 0, "text",
                    wm_page_number(n, pool), "words", n == 1 ? level->one : level->many, "link",
                    wm_page_link_only(q, "alerts", WM_CHANGES({"level", level->name}), pool)));
    }
    json_object_set_new(page, "any_alerts", json_boolean(json_array_size(list) > 0));
    json_object_set_new(page, "alerts", list);
}

static void dress_arrivals(json_t *page, apr_pool_t *pool)
{
    json_t *arrivals = json_object_get(page, "arrivals"), *row;
    size_t i;

    json_array_foreach(json_object_get(arrivals, "rows"), i, row)
    {
        wm_page_number_text(row, "points", pool);
        wm_page_number_text(row, "bundles", pool);
    }
    wm_page_count_words(arrivals, "points", "point", pool);
    wm_page_count_words(arrivals, "bundles", "upload", pool);
}

const wm_err *wm_page_overview(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    int whole = !q->person || wm_page_may_see_alert(q->person, 0);
    json_t *page, *answer, *arrivals, *generators, *counts;
    apr_int64_t study, unassigned, quarantined;
    wm_arg studies, zone;

    WM_TRY(wm_page_begin(&page, &study, db, "", q, pool));
    zone = WM_TEXT(wm_page_zone(page));
    WM_TRY(wm_page_keep(db, WM_SQL_PAGE_ARRIVAL_FOLD, WM_NO_ARGS, pool));
    WM_TRY(wm_page_studies(&studies, q, WM_MAY_STATES, pool));
    WM_TRY(wm_page_ask(&answer, db, WM_SQL_PAGE_OVERVIEW,
                       WM_ARGS(WM_I64(study), WM_TIME(q->now), studies, WM_BOOL(whole), zone),
                       pool));
    WM_TRY(wm_page_ask(&arrivals, db, WM_SQL_PAGE_ARRIVALS,
                       WM_ARGS(WM_I64(study), WM_TIME(q->now), zone), pool));
    WM_TRY(wm_page_ask(&generators, db, WM_SQL_PAGE_GENERATORS,
                       WM_ARGS(WM_I64(study), WM_TIME(q->now), zone), pool));
    json_object_update(page, answer);
    json_object_set(page, "arrivals", arrivals);
    json_object_set(page, "generators", generators);

    counts = json_object_get(page, "counts");
    json_object_set_new(page, "sentence", sentence(counts, q, pool));
    json_object_set_new(page, "bar", state_bar(counts, q, pool));
    json_object_set_new(page, "problems", number(counts, "problem", "received", q, pool));
    unassigned = json_integer_value(json_object_get(page, "unassigned"));
    json_object_set_new(page, "unassigned",
                        json_pack("{s:I, s:b, s:s, s:s}", "count", (json_int_t)unassigned, "one",
                                  unassigned == 1, "text", wm_page_number(unassigned, pool), "link",
                                  wm_page_link_only(q, "unassigned", WM_NO_CHANGES, pool)));
    quarantined = json_integer_value(json_object_get(page, "quarantined"));
    json_object_set_new(
        page, "quarantined",
        json_pack("{s:I, s:b, s:s}", "count", (json_int_t)quarantined, "one", quarantined == 1,
                  "text",
                  quarantined > 1000 ? "more than 1 000" : wm_page_number(quarantined, pool)));
    dress_alerts(page, q, pool);
    dress_attention(page, q, pool);
    dress_shared(page);
    dress_generators(page, q, pool);
    dress_arrivals(page, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
