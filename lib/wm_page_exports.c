/* SPDX-License-Identifier: Apache-2.0 */
/* The list of exports (dashboard document, 11.8). */
#include <string.h>

#include <apr_strings.h>

#include "wm_page_export.h"
#include "wm_page_tables.h"

static const wm_page_column columns[] = {{"number", "No.", 1, 1, 0},
                                         {"name", "Name", 0, 0, 0},
                                         {"by", "Requested by", 1, 0, 0},
                                         {"what", "What", 0, 0, 0},
                                         {"state", "State", 1, 0, 0},
                                         {"size", "Size", 1, 1, 1},
                                         {"rows", "Rows", 1, 1, 1},
                                         {"expires", "Expires", 1, 0, 0},
                                         {"downloads", "Downloads", 1, 1, 1},
                                         {"actions", "Actions", 0, 0, 0},
                                         {NULL, NULL, 0, 0, 0}};

static const struct wm_csv_column csv[] = {{"number", "number"},
                                           {"name", "name"},
                                           {"requested_by", "by"},
                                           {"requested", "requested"},
                                           {"types", "types_words"},
                                           {"participants", "who"},
                                           {"range", "when"},
                                           {"clock", "clock"},
                                           {"state", "state"},
                                           {"rows", "rows"},
                                           {"rows_expected", "rows_expected"},
                                           {"bytes", "file_bytes"},
                                           {"sha256", "sha256"},
                                           {"expires", "expires"},
                                           {"downloads", "downloads"},
                                           {"error", "error"},
                                           {NULL, NULL}};

const struct wm_csv_column *wm_csv_exports(const wm_page_query *q)
{
    (void)q;
    return csv;
}

/* Those who manage a study see what everybody asked for, others begin with their own. */
static const wm_err *read_who(int *mine, const wm_page_query *q, apr_pool_t *pool)
{
    *mine = q->person && !wm_account_may(q->person, WM_MAY_CONFIGURE, WM_ANY_STUDY);
    if (!q->who)
        return NULL;
    *mine = !strcmp(q->who, "mine");
    return *mine || !strcmp(q->who, "all")
               ? NULL
               : wm_err_make(pool, WM_E_INPUT, "who in the address is neither mine nor all");
}

static void set_choices(json_t *page, const wm_page_query *q, int mine, apr_pool_t *pool)
{
    const json_t *counts = json_object_get(page, "counts");
    json_t *list = json_array();

    for (const wm_export_state *state = wm_export_states; state->name; state++) {
        apr_int64_t n = json_integer_value(json_object_get(counts, state->name));
        int chosen = q->state && !strcmp(q->state, state->name);

        if (n || chosen)
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:b}", "value", state->name, "label",
                                apr_psprintf(pool, "%s (%" APR_INT64_T_FMT ")", state->label, n),
                                "chosen", chosen));
    }
    json_object_set_new(page, "states", list);
    json_object_set_new(
        page, "whose",
        json_pack("[{s:s, s:s, s:s, s:b}, {s:s, s:s, s:s, s:b}]", "value", "mine", "label", "Me",
                  "link", wm_page_link(q, "exports", WM_CHANGES({"who", "mine"}), pool), "current",
                  mine, "value", "all", "label", "Everybody", "link",
                  wm_page_link(q, "exports", WM_CHANGES({"who", "all"}), pool), "current", !mine));
}

const wm_err *wm_page_exports(json_t **made, wm_db *db, const wm_page_query *q, apr_pool_t *pool)
{
    const wm_export_state *state = wm_export_state_find(q->state);
    json_t *page, *answer, *row;
    wm_page_query here = *q;
    wm_page_place place;
    apr_int64_t study;
    int mine, live = 0;
    size_t i;

    if (q->state && !state)
        return wm_err_make(pool, WM_E_INPUT, "state in the address is none of an export");
    if (!here.sort)
        here.sort = "-number";
    WM_TRY(read_who(&mine, q, pool));
    WM_TRY(wm_page_begin(&page, &study, db, "exports", q, pool));
    WM_TRY(wm_page_place_read(&place, &here, columns, pool));
    WM_TRY(wm_page_export_ask(&answer, db, q, &place, q->state, mine ? q->person->id : 0, 0,
                              wm_page_zone(page), pool));
    json_object_update(page, answer);
    wm_page_count_words(page, "total", "export", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Exports", "exports", columns, &place, "id",
                  q, pool);
    wm_page_chip(page, "Search", q->search, "exports", "q", q, pool);
    wm_page_chip(page, "State", state ? state->label : NULL, "exports", "state", q, pool);
    set_choices(page, q, mine, pool);
    json_array_foreach(json_object_get(page, "rows"), i, row) live |=
        wm_page_export_dress(row, q, pool);
    json_object_set_new(
        page, "manages",
        json_boolean(q->person && wm_account_may(q->person, WM_MAY_CONFIGURE, WM_ANY_STUDY)));
    wm_page_live(page, live, "exports", q, pool);
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
