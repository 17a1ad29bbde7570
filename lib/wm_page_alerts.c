/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts: what is wrong, since when, and who knows (dashboard document, 11.9). */
#include <string.h>

#include <apr_strings.h>

#include "wm_alert.h"
#include "wm_json_own.h"
#include "wm_page_int.h"
#include "wm_page_tables.h"

enum { CHECKS_OLD = 900 /* seconds: three looks were missed */ };

static const wm_page_column columns[] = {
    {"level", "Level", 1, 0, 0},          {"participant", "Participant", 1, 0, 0},
    {"check", "Check", 1, 0, 0},          {"words", "What", 0, 0, 0},
    {"opened", "Opened", 1, 1, 0},        {"seen", "Last seen", 1, 1, 0},
    {"handled", "Acknowledged", 0, 0, 0}, {NULL, NULL, 0, 0, 0}};

static const struct wm_csv_column csv[] = {{"number", "id"},
                                           {"level", "level"},
                                           {"participant", "participant.identifier"},
                                           {"subject", "subject"},
                                           {"study", "study"},
                                           {"check", "check"},
                                           {"words", "words"},
                                           {"value", "value"},
                                           {"limit", "reached"},
                                           {"unit", "unit"},
                                           {"opened", "opened"},
                                           {"last_seen", "seen"},
                                           {"closed", "closed"},
                                           {"acknowledged", "acknowledged"},
                                           {"acknowledged_by", "by"},
                                           {"acknowledged_until", "until"},
                                           {NULL, NULL}};

static const struct {
    const char *name, *label;
} tabs[] = {{"open", "Open"}, {"acknowledged", "Acknowledged"}, {"closed", "Closed"}};

enum { TABS = sizeof tabs / sizeof *tabs };

const struct wm_csv_column *wm_csv_alerts(const wm_page_query *q)
{
    (void)q;
    return csv;
}

int wm_page_may_acknowledge(const wm_account *person, apr_int64_t study, int of_participant)
{
    if (of_participant)
        return wm_account_may(person, WM_MAY_PARTICIPANTS, study);
    return wm_page_may_schedule(person, study);
}

int wm_page_may_see_alert(const wm_account *person, apr_int64_t study)
{
    return study ? wm_account_may(person, WM_MAY_STATES, study)
                 : wm_account_may(person, WM_MAY_CONFIGURE, WM_ANY_STUDY);
}

static json_t *level_of(const char *name)
{
    for (const wm_alert_level *level = wm_alert_levels; name && level->name; level++)
        if (!strcmp(level->name, name))
            return json_pack("{s:s, s:s, s:s}", "name", name, "mark", level->mark, "label",
                             level->label);
    return NULL;
}

static const wm_err *read_place(wm_page_place *place, const char **tab, const wm_page_query *q,
                                apr_pool_t *pool)
{
    wm_page_query here = *q;
    json_t *level = level_of(q->level);
    int known = level != NULL, i = 0;

    *tab = q->tab ? q->tab : tabs[0].name;
    json_decref(level);
    if (q->level && !known)
        return wm_err_make(pool, WM_E_INPUT, "level in the address is none of an alert");
    while (i < TABS && strcmp(tabs[i].name, *tab))
        i++;
    if (i == TABS)
        return wm_err_make(pool, WM_E_INPUT, "tab in the address is none of this page");
    if (!here.sort && !strcmp(*tab, "closed"))
        here.sort = "-seen";
    return wm_page_place_read(place, &here, columns, pool);
}

/* How many are open and acknowledged stands on the tabs. */
static void set_choices(json_t *page, const char *tab, const wm_page_query *q, apr_pool_t *pool)
{
    const json_t *counts = json_object_get(page, "counts");
    json_t *list = json_array(), *levels = json_array();

    for (int i = 0; i < TABS; i++) {
        const json_t *count = json_object_get(counts, tabs[i].name);

        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s*, s:b}", "label", tabs[i].label, "link",
                            wm_page_link(
                                q, "alerts",
                                WM_CHANGES({"tab", i ? tabs[i].name : NULL}, {"sort", NULL}), pool),
                            "count", count ? wm_page_number(json_integer_value(count), pool) : NULL,
                            "current", !strcmp(tab, tabs[i].name)));
    }
    json_object_set_new(page, "tabs", list);
    for (const wm_alert_level *level = wm_alert_levels; level->name; level++)
        json_array_append_new(levels, json_pack("{s:s, s:s, s:b}", "value", level->name, "label",
                                                level->label, "chosen",
                                                q->level && !strcmp(q->level, level->name)));
    json_object_set_new(page, "levels", levels);
    json_object_set_new(page, "tab", json_string(tab));
    json_object_set_new(page, "is_closed", json_boolean(!strcmp(tab, "closed")));
}

static void dress(json_t *page, json_t *row, apr_int64_t here, const wm_page_query *q,
                  apr_pool_t *pool)
{
    json_t *participant = json_object_get(row, "participant");
    apr_int64_t study = json_integer_value(json_object_get(row, "study_id"));
    int may = !q->person || wm_page_may_acknowledge(q->person, study, json_is_object(participant));
    int open = !strcmp(json_string_value(json_object_get(row, "state")), "open");
    int closed = json_is_object(json_object_get(row, "closed"));

    json_object_set_new(row, "level", level_of(json_string_value(json_object_get(row, "level"))));
    json_object_set_new(row, "words", json_string(wm_alert_words(row, pool)));
    if (json_is_object(participant))
        wm_page_participant_link(participant, q, pool);
    if (study && study != here)
        json_object_set(row, "other_study", json_object_get(row, "study_name"));
    json_object_set_new(row, "acknowledge", json_boolean(may && open));
    if (may && open)
        json_object_set_new(page, "any_acknowledge", json_true());
    json_object_set_new(row, "reopen", json_boolean(may && !open && !closed));
    json_object_del(row, "key");
}

/* Is anybody looking?  Numbers of yesterday that look like today's are worse than none. */
static void set_checked(json_t *page, const wm_page_query *q)
{
    const json_t *checked = json_object_get(page, "checked");
    apr_int64_t at = json_integer_value(json_object_get(checked, "epoch"));

    json_object_set_new(page, "unchecked", json_boolean(apr_time_sec(q->now) - at > CHECKS_OLD));
}

static void extend(json_t *page, apr_pool_t *pool)
{
    json_t *people = wm_json_own(json_array(), pool), *row;
    size_t i;

    json_array_foreach(json_object_get(page, "rows"), i, row)
    {
        if (json_is_object(json_object_get(row, "participant")))
            json_array_append(people, json_object_get(row, "participant"));
    }
    wm_page_extend(page, people);
}

/* Whose alerts alone are shown.  STUDY is theirs: a number tells who that is only where they are listed. */
static const wm_err *name_participant(const char **about, wm_db *db, apr_int64_t study,
                                      const wm_page_query *q, apr_pool_t *pool)
{
    int named = q->identifier || q->id_number;

    if (named && q->person && !wm_page_may_see_alert(q->person, study))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such participant in their sight");
    return wm_page_named(about, db, q->identifier, q->id_number, WM_SQL_PAGE_SOURCE_NAME, pool);
}

const wm_err *wm_page_alerts(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    int whole = !q->person || wm_page_may_see_alert(q->person, 0);
    json_t *page, *answer, *row;
    const char *tab, *about;
    wm_page_place place;
    apr_int64_t study;
    wm_arg studies;
    size_t i;

    WM_TRY(wm_page_begin(&page, &study, db, "alerts", q, pool));
    WM_TRY(read_place(&place, &tab, q, pool));
    WM_TRY(name_participant(&about, db, study, q, pool));
    WM_TRY(wm_page_studies(&studies, q, WM_MAY_STATES, pool));
    WM_TRY(wm_page_ask(&answer, db, WM_SQL_PAGE_ALERTS,
                       WM_ARGS(studies, WM_TIME(q->now), WM_TEXT(wm_page_zone(page)), WM_TEXT(tab),
                               WM_TEXT(q->search), WM_TEXT(q->level), WM_TEXT(place.sort),
                               WM_BOOL(place.descending), WM_TEXT(place.key), WM_I64(place.id),
                               WM_BOOL(place.backwards), WM_I64(place.limit), WM_BOOL(whole),
                               WM_TEXT(about)),
                       pool));
    json_object_update(page, answer);
    wm_page_count_words(page, "total", "alert", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Alerts", "alerts", columns, &place, "id", q,
                  pool);
    wm_page_chip(page, "Search", q->search, "alerts", "q", q, pool);
    wm_page_chip(page, "Level", q->level, "alerts", "level", q, pool);
    wm_page_chip(page, "Participant", wm_page_shown(about, pool), "alerts",
                 q->identifier ? "id" : "id-number", q, pool);
    set_choices(page, tab, q, pool);
    set_checked(page, q);
    json_array_foreach(json_object_get(page, "rows"), i, row) dress(page, row, study, q, pool);
    extend(page, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
