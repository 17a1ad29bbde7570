/* SPDX-License-Identifier: Apache-2.0 */
/* In which time zone a page shows times.  Days of the rollups, which are in UTC, and what is defined in
 * a zone of its own, as a schedule or an export, stay as they are. */
#include <string.h>

#include <apr_strings.h>

#include "wm_page_int.h"
#include "wm_zone.h"

const wm_err *wm_page_choose_zone(wm_page_query *q, apr_pool_t *pool)
{
    const wm_zone *zone;

    if (!q->zone)
        return NULL;
    zone = wm_zone_find(q->zone, pool);
    if (!zone)
        return wm_err_make(pool, WM_E_INPUT, "zone in the address is no time zone");
    q->zone = wm_zone_name(zone);
    return NULL;
}

json_t *wm_page_times(const json_t *study, const wm_page_query *q)
{
    const char *own = json_string_value(json_object_get(study, "time_zone"));
    const char *zone = q->zone ? q->zone : own;

    return json_pack("{s:s, s:b}", "zone", zone, "own", !strcmp(zone, own));
}

const char *wm_page_zone(const json_t *page)
{
    return json_string_value(json_object_get(json_object_get(page, "times"), "zone"));
}

const char *wm_page_own_zone(const json_t *page)
{
    return json_string_value(json_object_get(json_object_get(page, "study"), "time_zone"));
}

static void add(json_t *list, const char *zone, const char *note, const json_t *page,
                const char *path, const wm_page_query *q, apr_pool_t *pool)
{
    const char *argument = strcmp(zone, wm_page_own_zone(page)) ? zone : NULL;
    const char *link = wm_page_link(
        q, path, WM_CHANGES({"after", q->after}, {"before", q->before}, {"zone", argument}), pool);

    json_array_append_new(list,
                          json_pack("{s:s, s:s*, s:s, s:b}", "label", zone, "note", note, "link",
                                    link, "current", !strcmp(zone, wm_page_zone(page))));
}

json_t *wm_page_zones(const json_t *page, const char *path, const wm_page_query *q,
                      apr_pool_t *pool)
{
    const char *own = wm_page_own_zone(page), *zone = wm_page_zone(page);
    json_t *list;

    if (!zone)
        return NULL;
    list = json_array();
    add(list, own, "the study’s", page, path, q, pool);
    if (strcmp(own, "UTC"))
        add(list, "UTC", NULL, page, path, q, pool);
    if (strcmp(zone, own) && strcmp(zone, "UTC"))
        add(list, zone, NULL, page, path, q, pool);
    return json_pack(
        "{s:s, s:s, s:o, s:o}", "name", zone, "action",
        apr_pstrcat(pool, q->base ? q->base : "", "/", path, NULL), "choices", list, "fields",
        wm_page_fields(q, WM_CHANGES({"after", q->after}, {"before", q->before}, {"zone", NULL}),
                       pool));
}
