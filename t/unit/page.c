/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_json_own.h"
#include "wm_mustache.h"
#include "wm_page_int.h"

static apr_pool_t *pool;

static const wm_page_column columns[] = {{"name", "Name", 1, 0, 0},
                                         {"points", "Points", 1, 1, 1},
                                         {"plain", "Plain", 0, 0, 0},
                                         {NULL, NULL, 0, 0, 0}};

static void words(void)
{
    is_str(wm_page_duration(1, pool), "1 second", "one is singular");
    is_str(wm_page_duration(119, pool), "119 seconds",
           "below two of a unit the smaller one is used");
    is_str(wm_page_duration(43200, pool), "12 hours", "twelve hours are twelve hours");
    is_str(wm_page_duration(172800, pool), "2 days", "from two days on they are days");
    is_str(wm_page_limit(172800, pool), "2 days", "a limit of two days is that");
    is_str(wm_page_limit(216000, pool), "60 hours", "... of two and a half is not rounded");
    is_str(wm_page_limit(86399, pool), "86399 seconds", "... nor any other");
    is_str(wm_page_age(1000, 1030, pool), "just now", "half a minute is just now");
    is_str(wm_page_age(1000, 8200, pool), "2 hours ago", "the past is ago");
    is_str(wm_page_age(8200, 1000, pool), "in 2 hours", "a clock that runs ahead is in the future");
    is_str(wm_page_number(0, pool), "0", "zero");
    is_str(wm_page_number(999, pool), "999", "three digits stand together");
    is_str(wm_page_number(1204, pool), "1\u202f204", "more are grouped");
    is_str(wm_page_number(-1234567, pool), "-1\u202f234\u202f567", "negative ones too");
    is_str(wm_page_number(-123456, pool), "-123\u202f456", "... without a gap behind the sign");
    is_str(wm_page_count(1, "upload", pool), "1 upload", "one upload");
    is_str(wm_page_count(1204, "upload", pool), "1\u202f204 uploads", "many uploads");
    is_str(wm_page_count(0, "upload", pool), "0 uploads", "no uploads");
    is_str(wm_page_shown(" \r\n", pool), "“ \r\n”", "a name of blanks can be seen");
    is_str(wm_page_bytes(999, pool), "999 B", "bytes");
    is_str(wm_page_bytes(4200000, pool), "4.2 MB", "megabytes");
    is_str(wm_page_bytes(999999, pool), "1.0 MB", "rounding moves to the next unit");
    is_str(wm_page_short("äöü", 3, pool), "äöü", "a short text stays");
    is_str(wm_page_short("äöüß", 3, pool), "äöü…", "a long one is cut between characters");
}

static void states(void)
{
    const char *names;
    json_t *row = wm_json_own(json_pack("{s:s}", "state", "silent"), pool);

    wm_page_state(row);
    is_str(json_string_value(json_object_get(json_object_get(row, "state"), "label")), "Silent",
           "a state has a word");
    is_str(json_string_value(json_object_get(json_object_get(row, "state"), "mark")), "●",
           "... and a mark");
    ok(!wm_page_states(&names, "late", pool) && !strcmp(names, "late"),
       "a state stands for itself");
    ok(!wm_page_states(&names, "received", pool) && !strcmp(names, "partial,clock,active"),
       "received stands for all who send");
    ok(!wm_page_states(&names, NULL, pool) && !names, "no state is no filter");
    ok(wm_page_states(&names, "asleep", pool) != NULL, "other words are refused");
}

static void links(void)
{
    wm_page_query q = {.base = "/d"};

    ok(!wm_page_query_arg(&q, "q", "a&b=ü", pool) &&
           !wm_page_query_arg(&q, "sort", "-points", pool) &&
           !wm_page_query_arg(&q, "after", "7:x", pool) &&
           !wm_page_query_arg(&q, "limit", "25", pool) &&
           !wm_page_query_arg(&q, "state", "", pool) && !wm_page_query_arg(&q, "utm", "x", pool),
       "arguments are read, empty and unknown ones left");
    is_str(wm_page_link(&q, "list", WM_NO_CHANGES, pool),
           "/d/list?q=a%26b%3D%C3%BC&sort=-points&limit=25",
           "a link carries the state on, but not the place in the list");
    is_str(wm_page_link(&q, "list", WM_CHANGES({"sort", NULL}, {"after", "9:k"}), pool),
           "/d/list?q=a%26b%3D%C3%BC&after=9%3Ak&limit=25", "changes replace and remove");
    is_str(wm_page_link_only(&q, "", WM_NO_CHANGES, pool), "/d/", "the first page is the folder");
    ok(!wm_page_query_arg(&q, "zone", "Asia/Kolkata", pool), "a time zone is read");
    is_str(wm_page_link_only(&q, "x", WM_NO_CHANGES, pool), "/d/x?zone=Asia%2FKolkata",
           "... and every link carries it on");
    is_str(wm_page_link_only(&q, "x", WM_CHANGES({"zone", NULL}), pool), "/d/x",
           "... but one that takes it away");
    q.zone = NULL;
    ok(!wm_page_query_arg(&q, "days", "all", pool) && q.days == WM_PAGE_ALL_DAYS,
       "days are a number or all");
    is_str(wm_page_link(&q, "x", WM_CHANGES({"q", NULL}, {"sort", NULL}, {"limit", NULL}), pool),
           "/d/x?days=all", "... which links carry on");
    ok(wm_page_query_arg(&q, "days", "alle", pool) && wm_page_query_arg(&q, "limit", "all", pool),
       "... and nothing else");
    is_str(wm_page_name_of("a b", 7, pool).text, "a b", "a name stands for itself in links");
    ok(wm_page_name_of(memset(apr_pcalloc(pool, 501), ' ', 500), 7, pool).text != NULL,
       "... up to the bound, percent-encoded");
    is_str(wm_page_name_of(memset(apr_pcalloc(pool, 502), ' ', 501), 7, pool).number, "7",
           "... beyond it its number does");
    ok(wm_page_query_arg(&q, "q", memset(apr_pcalloc(pool, 801), ' ', 800), pool) != NULL,
       "an argument that links could not carry is refused");
    ok(!wm_page_query_arg(&q, "client", memset(apr_pcalloc(pool, 101), ' ', 100), pool) &&
           wm_page_query_arg(&q, "client", memset(apr_pcalloc(pool, 102), ' ', 101), pool) != NULL,
       "... a client sooner");
    ok(wm_page_query_arg(&q, "limit", "x", pool) != NULL, "a limit that is no number is refused");
    ok(wm_page_query_arg(&q, "q", memset(apr_pcalloc(pool, 5000), 'a', 4999), pool) != NULL,
       "an endless argument is refused");
    is_str(wm_page_find("")->template, "overview", "the first page has no path");
    ok(wm_page_find("overview") == wm_page_find(""), "... but a name");
    ok(!wm_page_find("nothing"), "an unknown page is none");
}

/* What is shown of TEXT, the first SIZE bytes of a document, to somebody with what GRANTS say. */
static const char *shown(const char *text, size_t size, const char *grants, const char *show)
{
    wm_account person = {.id = 1, .name = "anna"};
    wm_page_query q = {.base = "", .person = &person, .show = show};
    json_t *page = wm_json_own(json_pack("{s:[{s:s%}]}", "rows", "properties", text, size), pool);
    json_t *rows = json_object_get(page, "rows");

    wm_account_grants_parse(&person, grants, pool);
    if (wm_page_documents(page, rows, "g", 1, &q, pool))
        return "refused";
    return json_string_value(json_object_get(json_array_get(rows, 0), "properties"));
}

static void documents(void)
{
    static const char text[] = "{\"a\": [1, {\"b*\": {\"hush\": [\"hush\\\"]}\", {}]}, \"c\": "
                               "\"d*\"}], \"x!\": \"hush\\\\\", "
                               "\"e\": 1.50, \"f\": [\"g*\", \": \", \"plain\"], \"u*\": "
                               "[[\"hush\"]], \"z\": \"\\\"u*\\\": 1\"}";
    const char *full = "analyst:1,sensitive:1", *less = "analyst:1,sensitive:2";
    int told = 0;

    is_str(shown(text, strlen(text), less, NULL),
           "{\n  \"a\": [\n    1,\n    {\n      \"b*\": \"(hidden)\",\n      \"c\": \"d*\"\n    "
           "}\n  ],\n"
           "  \"x!\": \"(hidden)\",\n  \"e\": 1.50,\n  \"f\": [\n    \"g*\",\n    \": \",\n    "
           "\"plain\"\n  ],\n"
           "  \"u*\": \"(hidden)\",\n  \"z\": \"\\\"u*\\\": 1\"\n}",
           "a mask stands for sensitive values, and for nothing else");
    is_str(shown(text, strlen(text), less, "sensitive"), shown(text, strlen(text), less, NULL),
           "... also when more is wanted");
    is_str(shown(text, strlen(text), full, NULL), shown(text, strlen(text), less, NULL),
           "... or could be had");
    ok(strstr(shown(text, strlen(text), full, "sensitive"), "\"u*\": [\n    [\n      \"hush\"") !=
           NULL,
       "who may and wants to sees them");
    is_str(shown(text, strlen(text), full, "else"), "refused", "there is nothing else to show");
    for (size_t size = 0; size <= strlen(text); size++)
        told |= strstr(shown(apr_pstrmemdup(pool, text, size), size, less, NULL), "hu") != NULL;
    ok(!told, "wherever a document is cut off, nothing sensitive is told");
    is_str(shown("[]", 2, less, NULL), "[]", "a document without members is itself");
}

static json_t *rows_from(int first, int last)
{
    json_t *rows = wm_json_own(json_array(), pool);

    for (int i = first; i <= last; i++)
        json_array_append_new(rows, json_pack("{s:i, s:s}", "id", i, "key", "k"));
    return rows;
}

static const char *step(const char *after, const char *before, int first, int last,
                        const char *which)
{
    wm_page_query q = {.base = "", .after = after, .before = before, .limit = 25};
    json_t *page = wm_json_own(json_object(), pool);
    wm_page_place place;

    if (wm_page_place_read(&place, &q, columns, pool))
        return "refused";
    wm_page_table(page, rows_from(first, last), "Rows", "list", columns, &place, "id", &q, pool);
    return json_string_value(json_object_get(json_object_get(page, "table"), which));
}

static void tables(void)
{
    wm_page_query q = {.sort = "-points"};
    wm_page_place place;

    ok(!wm_page_place_read(&place, &q, columns, pool) && place.descending &&
           !strcmp(place.sort, "points") && place.limit == WM_PAGE_LIMIT,
       "a minus sorts downwards");
    q.sort = "plain";
    ok(wm_page_place_read(&place, &q, columns, pool) != NULL,
       "a column that does not sort is refused");
    is_str(step("7", NULL, 1, 2, "next"), "refused", "a cursor without key is refused");
    is_str(step("x:7", NULL, 1, 2, "next"), "refused", "a cursor without number is refused");
    is_str(step(NULL, NULL, 1, 25, "next"), NULL, "a full page without another row has no next");
    is_str(step(NULL, NULL, 1, 26, "next"), "/list?after=25%3Ak&limit=25",
           "the row too many tells that there is a next page");
    is_str(step(NULL, NULL, 1, 26, "previous"), NULL, "the first page has no previous");
    is_str(step("9:k", NULL, 10, 12, "previous"), "/list?before=10%3Ak&limit=25",
           "a page behind a cursor has a previous");
    is_str(step(NULL, "40:k", 14, 39, "previous"), "/list?before=15%3Ak&limit=25",
           "backwards the row too many is the first");
    is_str(step(NULL, "40:k", 15, 39, "previous"), NULL, "the way back ends at the start");
    is_str(step(NULL, "40:k", 15, 39, "next"), "/list?after=39%3Ak&limit=25",
           "from there it goes on");
}

/* The keys of PAGE's columns that are shown, in order, and what its map says of them. */
static const char *columns_shown(const json_t *page)
{
    const json_t *table = json_object_get(page, "table"), *column;
    const char *text = "";
    size_t i;

    json_array_foreach(json_object_get(table, "columns"), i, column)
    {
        const char *key = json_string_value(json_object_get(column, "key"));
        int here = json_is_true(json_object_get(column, "shown"));

        if (here)
            text = apr_pstrcat(pool, text, *text ? " " : "", key, NULL);
        if (here != json_is_true(json_object_get(json_object_get(table, "show"), key)))
            return "the map says another thing";
    }
    return text;
}

static void chosen_columns(void)
{
    wm_page_query q = {.base = ""};
    json_t *page = wm_json_own(json_object(), pool);
    wm_page_place place;

    if (wm_page_place_read(&place, &q, columns, pool))
        return;
    wm_page_table(page, rows_from(1, 2), "Rows", "list", columns, &place, "id", &q, pool);
    is_str(columns_shown(page), "name points plain", "without a choice all columns are shown");
    ok(json_is_false(json_object_get(json_object_get(page, "table"), "own")),
       "... as the page's own");
    json_object_set_new(page, "hidden", json_pack("[s, s]", "points", "gone"));
    wm_page_table(page, rows_from(1, 2), "Rows", "list", columns, &place, "id", &q, pool);
    is_str(columns_shown(page), "name plain", "those that are hidden are not");
    ok(json_is_true(json_object_get(json_object_get(page, "table"), "own")), "... by a choice");
    ok(!json_object_get(page, "hidden"), "... which the page does not repeat");
    wm_page_column_drop(page, "plain");
    is_str(columns_shown(page), "name", "one that somebody may not see is gone");
    ok(json_array_size(json_object_get(json_object_get(page, "table"), "columns")) == 2 &&
           !json_object_get(json_object_get(json_object_get(page, "table"), "show"), "plain"),
       "... and cannot be chosen");
    ok(wm_page_has_columns(wm_page_find("participants")) && !wm_page_has_columns(wm_page_find("")),
       "the list of participants has columns to choose, the overview none");
}

static void templates(void)
{
    wm_page_query q = {.base = "/d", .account = "ada", .csrf = "token", .now = 0};
    const char *dir =
        apr_pstrcat(pool, getenv("WM_SRCDIR") ? getenv("WM_SRCDIR") : ".", "/templates", NULL);
    wm_templates *set;
    const wm_err *err = wm_templates_load(&set, dir, pool);
    json_t *page;
    wm_buf *text;

    is_str(err ? wm_err_text(err, pool) : "fine", "fine", "our templates compile");
    for (const wm_page *each = wm_pages; !err && each->path; each++)
        ok(wm_templates_has(set, each->template), "page %s has its template", each->title);
    if (err)
        return;
    err = wm_page_error(&page, &q, WM_E_NOT_FOUND, pool);
    if (!err)
        err = wm_page_html(&text, set, "error", page, &q, pool);
    ok(!err && wm_buf_add(text, "", 1) == NULL &&
           strstr(text->data, "There is nothing at this address."),
       "an error page says what is the matter");
    ok(!json_object_get(page, "frame"), "the form token stays out of the JSON");
    q.account = NULL;
    err = wm_page_signin(&page, &q, "/d/sign-in", "<b>", NULL, pool);
    if (!err)
        err = wm_page_html(&text, set, "signin", page, &q, pool);
    ok(!err && wm_buf_add(text, "", 1) == NULL && strstr(text->data, "&lt;b&gt;") &&
           strstr(text->data, "value=\"token\"") && !strstr(text->data, "/d/participants"),
       "the sign-in form has its token, escapes, and leads nowhere else");
}

/* The months above the columns of the days from day FROM of August on, a dot where there is none. */
static const char *months(int from, int count)
{
    json_t *grid = wm_json_own(json_pack("{s:[], s:[]}", "days", "generators"), pool), *head;
    wm_page_query q = {.base = "/d"};
    const char *text = "";
    size_t i;

    for (int day = from; day < from + count; day++)
        json_array_append_new(json_object_get(grid, "days"),
                              json_string(apr_psprintf(pool, "2026-%02d-%02d", day > 31 ? 9 : 8,
                                                       day > 31 ? day - 31 : day)));
    wm_page_grid(grid, &q, pool);
    json_array_foreach(json_object_get(grid, "heads"), i, head)
    {
        const char *month = json_string_value(json_object_get(head, "month"));

        text = apr_pstrcat(pool, text, month ? month : ".", NULL);
    }
    return text;
}

static void heads(void)
{
    is_str(months(10, 6), "Aug....Aug", "the month stands at both ends of the grid");
    is_str(months(30, 3), "Aug.Sep", "... and where it begins");
    is_str(months(31, 3), ".Sep.", "... but not over that of the next day");
    is_str(months(1, 1), "Aug", "a single day has it once");
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);

    words();
    states();
    links();
    documents();
    tables();
    chosen_columns();
    heads();
    templates();

    apr_terminate();
    return done();
}
