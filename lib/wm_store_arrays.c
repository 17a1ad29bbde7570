/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "wm_pgarray.h"
#include "wm_store.h"

static const wm_err *add_battery_at(wm_pgarray *array, const wm_store_news *n)
{
    return isnan(n->battery) ? wm_pgarray_add_null(array)
                             : wm_pgarray_add_time(array, n->battery_at);
}

/* A member of the arrays: begin it, add for each I below COUNT, keep it. */
#define MAKE(member, type, count, add)                           \
    WM_TRY(wm_pgarray_begin(&array, WM_OID_##type, NULL, pool)); \
    for (int i = 0; i < (count); i++)                            \
        WM_TRY(add);                                             \
    (member) = wm_pgarray_arg(&array, WM_OID_##type##_ARRAY)

static const wm_err *dictionaries_make(struct wm_store_rows *rows, const wm_store_set *set,
                                       apr_pool_t *pool)
{
    const wm_text *sources = set->sources, *generators = set->generators;
    const wm_agent *agents = set->agents;
    wm_pgarray array;

    MAKE(rows->sources, TEXT, set->source_count,
         wm_pgarray_add(&array, sources[i].data, sources[i].size));
    MAKE(rows->generators, TEXT, set->generator_count,
         wm_pgarray_add(&array, generators[i].data, generators[i].size));
    MAKE(rows->agent_generators, TEXT, set->agent_count,
         wm_pgarray_add(&array, agents[i].generator.data, agents[i].generator.size));
    MAKE(rows->agent_user_agents, TEXT, set->agent_count,
         wm_pgarray_add(&array, agents[i].user_agent.data, agents[i].user_agent.size));
    return NULL;
}

static const wm_err *news_make(struct wm_store_rows *rows, const wm_store_set *set,
                               apr_pool_t *pool)
{
    const wm_store_news *news = set->news;
    int count = set->source_count;
    wm_pgarray array;

    MAKE(rows->news_source, INT4, count, wm_pgarray_add_i32(&array, i + 1));
    MAKE(rows->news_agent, INT4, count, wm_pgarray_add_i32(&array, news[i].agent + 1));
    MAKE(rows->news_received, TIMESTAMPTZ, count, wm_pgarray_add_time(&array, news[i].received));
    MAKE(rows->news_created, TIMESTAMPTZ, count, wm_pgarray_add_time(&array, news[i].created));
    MAKE(rows->news_battery, FLOAT8, count, wm_pgarray_add_f64(&array, news[i].battery));
    MAKE(rows->news_battery_at, TIMESTAMPTZ, count, add_battery_at(&array, &news[i]));
    MAKE(rows->news_points, INT4, count, wm_pgarray_add_i32(&array, news[i].points));
    return NULL;
}

/* What bundles_store() wants to know of each bundle. */
static const wm_err *batch_make(struct wm_store_batch *batch, const wm_store_set *set,
                                apr_pool_t *pool)
{
    const wm_store_count *counts = (const wm_store_count *)set->counts->elts;
    int count = set->range_count, total = set->counts->nelts, doubtful = 0;
    int *sources = apr_palloc(pool, sizeof *sources * (size_t)count);
    char *untimed = apr_pcalloc(pool, (size_t)count);
    const wm_store_range *ranges = set->ranges;
    wm_pgarray array;

    for (int i = 0; i < set->point_count; i++) {
        const wm_store_point *at = &set->points[i];

        sources[at->range] = at->source;
        doubtful |= untimed[at->range] |= (char)(at->point->untimed != 0);
    }
    batch->doubtful = WM_NULL(WM_OID_UUID_ARRAY);
    if (doubtful) {
        MAKE(batch->doubtful, UUID, count,
             untimed[i] ? wm_pgarray_add(&array, ranges[i].bundle->body_digest, 16) : NULL);
    }
    MAKE(batch->bundle_source, INT4, count, wm_pgarray_add_i32(&array, sources[i] + 1));
    MAKE(batch->bundle_points, INT4, count,
         wm_pgarray_add_i32(&array, ranges[i].to - ranges[i].from));
    MAKE(batch->counts_end, INT4, count, wm_pgarray_add_i32(&array, set->counts_end[i]));
    MAKE(batch->count_generator, INT4, total, wm_pgarray_add_i32(&array, counts[i].generator + 1));
    MAKE(batch->count_points, INT4, total, wm_pgarray_add_i32(&array, counts[i].points));
    MAKE(batch->count_bytes, INT8, total, wm_pgarray_add_i64(&array, counts[i].bytes));
    return NULL;
}

/* One row per array of points: member, element type, when a point needs it, how a point adds. */
#define POINT_ARRAYS(X)                                                                            \
    X(rows.ordinal, INT4, 1, wm_pgarray_add_i32(&array, (apr_int32_t)at->point->ordinal))          \
    X(rows.source, INT4, at->source, wm_pgarray_add_i32(&array, at->source + 1))                   \
    X(rows.generator, INT4, 1, wm_pgarray_add_i32(&array, at->generator + 1))                      \
    X(rows.agent, INT4, 1, wm_pgarray_add_i32(&array, at->agent + 1))                              \
    X(rows.created, TIMESTAMPTZ, 1, wm_pgarray_add_time(&array, at->point->created))               \
    X(rows.digest, UUID, 1, wm_pgarray_add(&array, at->point->digest, 16))                         \
    X(rows.secondary, TEXT, at->point->secondary.data != NULL,                                     \
      wm_pgarray_add_text(&array, at->point->secondary.data, at->point->secondary.size))           \
    X(rows.longitude, FLOAT8, !isnan(at->point->longitude),                                        \
      wm_pgarray_add_f64(&array, at->point->longitude))                                            \
    X(rows.latitude, FLOAT8, !isnan(at->point->latitude),                                          \
      wm_pgarray_add_f64(&array, at->point->latitude))                                             \
    X(rows.flags, INT4, at->point->flags,                                                          \
      wm_pgarray_add_i32(&array, (apr_int32_t)at->point->flags))                                   \
    X(rows.properties, JSONB, 1,                                                                   \
      wm_pgarray_add_jsonb(&array, at->point->properties.data, at->point->properties.size))        \
    X(careful.untimed, BOOL, at->point->untimed, wm_pgarray_add_bool(&array, at->point->untimed))  \
    X(careful.bytes, INT4, 1, wm_pgarray_add_i32(&array, (apr_int32_t)at->point->properties.size)) \
    X(batch.bundle, INT4, at->range, wm_pgarray_add_i32(&array, at->range + 1))

const wm_err *wm_store_arrays_make(wm_store_arrays *a, const wm_store_set *set, apr_pool_t *pool)
{
    const wm_store_point *end = set->points + set->point_count;
    wm_pgarray array;
    int needed;

    WM_TRY(dictionaries_make(&a->rows, set, pool));
    WM_TRY(news_make(&a->rows, set, pool));
    WM_TRY(wm_store_groups_make(&a->rows, set, pool));
    WM_TRY(batch_make(&a->batch, set, pool));
#define X(member, type, when, add)                                   \
    needed = 0;                                                      \
    for (const wm_store_point *at = set->points; at < end; at++)     \
        needed |= at && (when);                                      \
    a->member = WM_NULL(WM_OID_##type##_ARRAY);                      \
    if (needed) {                                                    \
        WM_TRY(wm_pgarray_begin(&array, WM_OID_##type, NULL, pool)); \
        for (const wm_store_point *at = set->points; at < end; at++) \
            WM_TRY(add);                                             \
        a->member = wm_pgarray_arg(&array, WM_OID_##type##_ARRAY);   \
    }
    POINT_ARRAYS(X)
#undef X
    return NULL;
}
