/* SPDX-License-Identifier: Apache-2.0 */
/* The table of pages, and what all of them have in common. */
#include <string.h>

#include <apr_strings.h>

#include "wm_json_own.h"
#include "wm_mustache.h"
#include "wm_page_int.h"
#include "wm_page_tables.h"

const wm_page wm_pages[] = {
    {"", "overview", "Overview", "Overview", NULL, NULL, "view-overview", WM_MAY_OVERVIEW, 0,
     wm_page_overview},
    {"participants", "participants", "Participants", "Participants", "", wm_csv_participants,
     "view-participants", WM_MAY_STATES, 0, wm_page_participants},
    {"unassigned", "unassigned", "Unassigned sources", NULL, "participants", wm_csv_unassigned,
     "view-unassigned", WM_MAY_STATES, 0, wm_page_unassigned},
    {"participant", "participant", "Participant", NULL, "participants", wm_csv_participant,
     "view-participant", WM_MAY_STATES, 0, wm_page_participant},
    {"alerts", "alerts", "Alerts", "Alerts", "", wm_csv_alerts, "view-alerts", WM_MAY_STATES, 1,
     wm_page_alerts},
    {"exports", "exports", "Exports", "Exports", "", wm_csv_exports, "view-exports", WM_MAY_EXPORT,
     1, wm_page_exports},
    {"exports/*", "export", "Export", NULL, "exports", NULL, "view-export", WM_MAY_EXPORT, 1,
     wm_page_export},
    {"exports/new", "export-new", "New export", NULL, "exports", NULL, "view-export-form",
     WM_MAY_EXPORT, 0, wm_page_export_new},
    {"destinations", "destinations", "Destinations", NULL, "exports", NULL, "view-destinations",
     WM_MAY_CONFIGURE, 1, wm_page_destinations},
    {"system", "system", "System", "System", "", NULL, "view-system", WM_MAY_CONFIGURE, 1,
     wm_page_system},
    {"jobs/*", "job", "Job", NULL, "system", NULL, "view-job", WM_MAY_CONFIGURE, 1, wm_page_job},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, WM_MAY_OVERVIEW, 0, NULL},
};

const wm_page *wm_page_find(const char *path)
{
    for (const wm_page *page = wm_pages; page->path; page++)
        if (!strcmp(page->path, path) || !strcmp(page->template, path))
            return page;
    return NULL;
}

const wm_page *wm_page_find_number(const char *path, apr_int64_t *number, apr_pool_t *pool)
{
    const char *slash = strrchr(path, '/');
    size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

    *number = 0;
    if (!digits || digits > 18 || slash[1 + digits])
        return wm_page_find(path);
    *number = apr_atoi64(slash + 1);
    return wm_page_find(
        apr_pstrcat(pool, apr_pstrmemdup(pool, path, (size_t)(slash - path)), "/*", NULL));
}

/* Where WHICH is: its path, with the number in place of the star. */
static const char *place_of(const wm_page *which, const wm_page_query *q, apr_pool_t *pool)
{
    size_t size = strlen(which->path);

    if (!size || which->path[size - 1] != '*')
        return which->path;
    return apr_psprintf(pool, "%.*s%" APR_INT64_T_FMT, (int)size - 1, which->path, q->number);
}

const wm_err *wm_page_ask(json_t **answer, wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool)
{
    const wm_err *err = wm_db_json(answer, db, id, args, pool);

    /* Class 22: a value of the address that is no time, no number, no uuid. */
    if (err && !strncmp(err->sqlstate, "22", 2))
        return wm_err_make(pool, WM_E_INPUT, "an argument of the address cannot be read: %s",
                           err->why);
    return err;
}

const wm_err *wm_page_keep(wm_db *db, wm_sql_id id, wm_args args, apr_pool_t *pool)
{
    const wm_err *err = wm_db_do(NULL, db, id, args, pool);

    if (err && (err->code == WM_E_SLOW || !strcmp(err->sqlstate, "25006")))
        return NULL;
    return err;
}

const wm_err *wm_page_begin(json_t **page, apr_int64_t *study_id, wm_db *db, const char *path,
                            const wm_page_query *q, apr_pool_t *pool)
{
    const wm_page *which = wm_page_find(path);
    const char *place = place_of(which, q, pool), *name = *place ? place : which->template;
    wm_page_query here = *q;
    json_t *study, *links;
    const char *late, *silent;

    WM_TRY(wm_page_ask(&study, db, WM_SQL_PAGE_STUDY,
                       WM_ARGS(WM_I64(q->study_id), WM_TIME(q->now), WM_TEXT(q->zone),
                               WM_I64(q->person ? q->person->id : 0), WM_TEXT(path)),
                       pool));
    if (!study)
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such study");
    late = wm_page_limit(json_integer_value(json_object_get(study, "late_after")), pool);
    silent = wm_page_limit(json_integer_value(json_object_get(study, "silent_after")), pool);
    json_object_set_new(study, "late_words", json_string(late));
    json_object_set_new(study, "silent_words", json_string(silent));
    *study_id = json_integer_value(json_object_get(study, "id"));
    WM_TRY(
        wm_page_keep(db, WM_SQL_PAGE_REFRESH, WM_ARGS(WM_I64(*study_id), WM_TIME(q->now)), pool));

    /* Downloads and refreshes keep the place in the list. */
    links = json_object();
    json_object_set_new(
        links, "self",
        json_string(wm_page_link(&here, place,
                                 WM_CHANGES({"after", q->after}, {"before", q->before}), pool)));
    json_object_set_new(
        links, "json",
        json_string(wm_page_link(&here, apr_pstrcat(pool, name, ".json", NULL),
                                 WM_CHANGES({"after", q->after}, {"before", q->before}), pool)));
    if (which->csv && which->csv(q))
        json_object_set_new(links, "csv",
                            json_string(wm_page_link(&here, apr_pstrcat(pool, name, ".csv", NULL),
                                                     WM_CHANGES({"limit", NULL}), pool)));
    *page =
        wm_json_own(json_pack("{s:s, s:O, s:o, s:[], s:o}", "title", which->title, "study", study,
                              "links", links, "extent", "times", wm_page_times(study, q)),
                    pool);
    if (json_is_array(json_object_get(study, "hidden"))) /* for wm_page_columns_show */
        json_object_set(*page, "hidden", json_object_get(study, "hidden"));
    json_object_del(study, "hidden");
    return *page ? NULL : wm_err_make(pool, WM_E_SYSTEM, "no memory for a page");
}

void wm_page_extend(json_t *page, const json_t *rows)
{
    json_t *extent = json_object_get(page, "extent"), *row;
    size_t i;

    json_array_foreach(rows, i, row) json_array_append(extent, json_object_get(row, "id"));
}

const json_t *wm_page_extent(const json_t *page)
{
    return json_object_get(page, "extent");
}

const wm_err *wm_page_signin(json_t **page, const wm_page_query *q, const char *action,
                             const char *problem, const char *location, apr_pool_t *pool)
{
    (void)q;
    *page = wm_json_own(json_pack("{s:s, s:s*, s:s*, s:s*}", "title", "Sign in", "action", action,
                                  "problem", problem, "location", location),
                        pool);
    return *page ? NULL : wm_err_make(pool, WM_E_SYSTEM, "no memory for a page");
}

const wm_err *wm_page_error(json_t **page, const wm_page_query *q, wm_err_code code,
                            apr_pool_t *pool)
{
    *page = wm_json_own(json_pack("{s:i, s:s, s:s, s:s*}", "status", wm_err_status(code), "title",
                                  wm_err_public(code), "sentence", wm_err_public(code),
                                  "request_id", q->request_id),
                        pool);
    return *page ? NULL : wm_err_make(pool, WM_E_SYSTEM, "no memory for a page");
}

/* A page is the current one, or above it. */
static json_t *navigation(const wm_page *here, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_array();

    for (const wm_page *page = wm_pages; page->path; page++) {
        const char *at = here == page ? "page"
                         : here && here->parent && !strcmp(here->parent, page->path) && *page->path
                             ? "true"
                             : NULL;

        if (q->person &&
            !wm_account_may(q->person, page->right, page->all_studies ? WM_ANY_STUDY : q->study_id))
            continue;
        if (page->nav)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:s*}", "label", page->nav, "link",
                                            wm_page_link_only(q, page->path, WM_NO_CHANGES, pool),
                                            "current", at));
    }
    return list;
}

/* The studies that there are to choose from.  Their links lead to the same list; to the Overview from
 * a page about one of a study's things. */
static json_t *switch_of(const wm_page *here, const wm_page_query *q, apr_pool_t *pool)
{
    const char *path = here && here->nav ? here->path : "";
    json_t *list = json_array(), *study;
    size_t i;

    json_array_foreach(q->studies, i, study) json_array_append_new(
        list,
        json_pack("{s:O, s:s, s:b}", "label", json_object_get(study, "name"), "link",
                  wm_page_link_only(
                      q, path,
                      WM_CHANGES({"study", json_string_value(json_object_get(study, "slug"))}),
                      pool),
                  "current", json_integer_value(json_object_get(study, "id")) == q->study_id));
    return json_pack("{s:o}", "studies", list);
}

static json_t *breadcrumb(const wm_page *here, const wm_page_query *q, apr_pool_t *pool)
{
    json_t *list = json_array();

    while (here && here->parent && (here = wm_page_find(here->parent)))
        json_array_insert_new(list, 0,
                              json_pack("{s:s, s:s}", "label", here->title, "link",
                                        wm_page_link_only(q, here->path, WM_NO_CHANGES, pool)));
    return list;
}

const wm_err *wm_page_html(wm_buf **text, const struct wm_templates *templates,
                           const char *template, json_t *page, const wm_page_query *q,
                           apr_pool_t *pool)
{
    const wm_page *here = wm_page_find(template);
    const char *home = wm_page_link_only(q, "", WM_NO_CHANGES, pool);
    const wm_page_query kept = {.study = q->study, .zone = q->zone};
    json_t *root = wm_json_own(json_copy(page), pool), *frame;

    frame = json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:o, s:s}", "base",
                      q->base ? q->base : "", "home", home, "account", q->account, "csrf", q->csrf,
                      "notice", q->notice, "version", q->version, "request_id", q->request_id,
                      "kept", wm_page_fields(&kept, WM_NO_CHANGES, pool), "kept_query",
                      wm_page_link_only(&kept, "", WM_NO_CHANGES, pool) + 1);
    if (!root || !frame)
        return wm_err_make(pool, WM_E_SYSTEM, "no memory for a page");
    if (q->account) {
        json_object_set_new(frame, "sign_out", json_boolean(!q->no_sign_out));
        json_object_set_new(frame, "nav", navigation(here, q, pool));
        json_object_set_new(frame, "breadcrumb", breadcrumb(here, q, pool));
        if (json_array_size(q->studies) > 1)
            json_object_set_new(frame, "switch", switch_of(here, q, pool));
        if (here)
            json_object_set_new(frame, "zone",
                                wm_page_zones(page, place_of(here, q, pool), q, pool));
    }
    json_object_set_new(root, "frame", frame);
    return wm_templates_render(text, templates, template, root, pool);
}
