/* SPDX-License-Identifier: Apache-2.0 */
/* The list of unassigned sources (dashboard document, 11.4). */
#include <stdlib.h>
#include <string.h>

#include "wm_json_own.h"
#include "wm_page_int.h"
#include "wm_page_tables.h"

enum { MATCH_MAX = 100 };

static const wm_page_column columns[] = {
    {"identifier", "Id", 0, 0, 0},          {"first", "First received", 0, 0, 0},
    {"received", "Last received", 0, 0, 0}, {"points", "Points", 0, 0, 1},
    {"generators", "Generators", 0, 0, 1},  {"client", "Client", 0, 0, 0},
    {"match", "Likely match", 0, 0, 0},     {NULL, NULL, 0, 0, 0}};

static const struct wm_csv_column csv[] = {
    {"id", "identifier"},   {"first_received", "first"},          {"last_received", "received"},
    {"points", "points"},   {"generators", "generators"},         {"client", "client"},
    {"version", "version"}, {"likely_match", "match.identifier"}, {NULL, NULL}};

const struct wm_csv_column *wm_csv_unassigned(const wm_page_query *q)
{
    (void)q;
    return csv;
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
    WM_TRY(wm_page_place_read(&place, q, columns, pool));
    WM_TRY(wm_page_ask(&answer, db, WM_SQL_PAGE_UNASSIGNED,
                       WM_ARGS(WM_I64(study), WM_TIME(q->now), WM_TEXT(q->search), WM_I64(place.id),
                               WM_BOOL(place.backwards), WM_I64(place.limit),
                               WM_TEXT(wm_page_zone(page))),
                       pool));
    json_object_update(page, answer);
    wm_page_total(page, "source", pool);
    wm_page_table(page, json_object_get(page, "rows"), "Unassigned sources", "unassigned", columns,
                  &place, "id", q, pool);
    wm_page_chip(page, "Search", q->search, "unassigned", "q", q, pool);
    dress_unassigned(page, q, pool);
    wm_page_extend(page, json_object_get(page, "rows"));
    wm_page_ages(page, q->now, pool);
    *made = page;
    return NULL;
}
