/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wm_pgarray.h"
#include "wm_store.h"

static const wm_err *add_bool(wm_pgarray *array, int value)
{
    return wm_pgarray_add(array, value ? "\1" : "\0", 1);
}

/* The texts of LIST, as text[]. */
static const wm_err *texts_make(wm_arg *arg, const apr_array_header_t *list, apr_pool_t *pool)
{
    wm_pgarray array;

    WM_TRY(wm_pgarray_begin(&array, WM_OID_TEXT, NULL, pool));
    for (int i = 0; i < list->nelts; i++) {
        const wm_text *text = &APR_ARRAY_IDX(list, i, wm_text);

        WM_TRY(wm_pgarray_add_text(&array, text->data, text->size));
    }
    *arg = wm_pgarray_arg(&array, WM_OID_TEXT_ARRAY);
    return NULL;
}

static const wm_err *dictionaries_make(wm_store_arrays *a, const wm_bundle *bundle,
                                       apr_pool_t *pool)
{
    wm_pgarray generators, user_agents;

    WM_TRY(texts_make(&a->sources, bundle->sources, pool));
    WM_TRY(texts_make(&a->generators, bundle->generators, pool));
    WM_TRY(wm_pgarray_begin(&generators, WM_OID_TEXT, NULL, pool));
    WM_TRY(wm_pgarray_begin(&user_agents, WM_OID_TEXT, NULL, pool));
    for (int i = 0; i < bundle->agents->nelts; i++) {
        const wm_agent *agent = &APR_ARRAY_IDX(bundle->agents, i, wm_agent);

        WM_TRY(wm_pgarray_add(&generators, agent->generator.data, agent->generator.size));
        WM_TRY(wm_pgarray_add(&user_agents, agent->user_agent.data, agent->user_agent.size));
    }
    a->agent_generators = wm_pgarray_arg(&generators, WM_OID_TEXT_ARRAY);
    a->agent_user_agents = wm_pgarray_arg(&user_agents, WM_OID_TEXT_ARRAY);
    return NULL;
}

/* A point with the places of its texts in their order. */
typedef struct sortable {
    const wm_point *point;
    int source, generator;
} sortable;

static int text_order(const void *a, const void *b)
{
    const wm_text *x = *(const wm_text *const *)a, *y = *(const wm_text *const *)b;
    size_t least = x->size < y->size ? x->size : y->size;
    int order = least ? memcmp(x->data, y->data, least) : 0;

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* For each text of LIST its place among all of them in the order of their bytes. */
static int *ranks_of(const apr_array_header_t *list, apr_pool_t *pool)
{
    const wm_text **sorted = apr_palloc(pool, sizeof *sorted * ((size_t)list->nelts + 1));
    int *ranks = apr_palloc(pool, sizeof *ranks * ((size_t)list->nelts + 1));

    for (int i = 0; i < list->nelts; i++)
        sorted[i] = &APR_ARRAY_IDX(list, i, wm_text);
    qsort(sorted, (size_t)list->nelts, sizeof *sorted, text_order);
    for (int i = 0; i < list->nelts; i++)
        ranks[sorted[i] - (const wm_text *)list->elts] = i;
    return ranks;
}

static int point_order(const void *a, const void *b)
{
    const sortable *x = a, *y = b;

    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->generator != y->generator)
        return x->generator < y->generator ? -1 : 1;
    if (x->point->created != y->point->created)
        return x->point->created < y->point->created ? -1 : 1;
    return memcmp(x->point->digest, y->point->digest, sizeof x->point->digest);
}

/* The points in the order in which every writer takes them. */
static const wm_point **sort_points(const wm_bundle *bundle, const int *sources, apr_pool_t *pool)
{
    const int *generators = ranks_of(bundle->generators, pool);
    size_t count = (size_t)bundle->point_count;
    sortable *list = apr_palloc(pool, sizeof *list * (count + 1));
    const wm_point **points = apr_palloc(pool, sizeof *points * (count + 1));

    for (size_t i = 0; i < count; i++) {
        const wm_point *p = bundle->points + i;

        list[i] = (sortable){p, sources[p->source], generators[p->generator]};
    }
    qsort(list, count, sizeof *list, point_order);
    for (size_t i = 0; i < count; i++)
        points[i] = list[i].point;
    return points;
}

/* The news of a source with the place of its text and how many points it has here. */
typedef struct ranked_news {
    const wm_source_news *news;
    int rank, points;
} ranked_news;

static int news_order(const void *a, const void *b)
{
    const ranked_news *x = a, *y = b;

    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* In the order of the sources' texts: writers that share sources take their rows one after the
 * other. */
static const wm_err *news_make(wm_store_arrays *a, const wm_bundle *bundle, const int *ranks,
                               apr_pool_t *pool)
{
    size_t count = (size_t)bundle->news->nelts;
    ranked_news *list = apr_palloc(pool, sizeof *list * (count + 1));
    int *points = apr_pcalloc(pool, sizeof *points * ((size_t)bundle->sources->nelts + 1));
    wm_pgarray source, agent, created, battery, counts;

    for (int i = 0; i < bundle->point_count; i++)
        points[bundle->points[i].source]++;
    for (size_t i = 0; i < count; i++) {
        const wm_source_news *news = &APR_ARRAY_IDX(bundle->news, i, wm_source_news);

        list[i] = (ranked_news){news, ranks[news->source], points[news->source]};
    }
    qsort(list, count, sizeof *list, news_order);
    WM_TRY(wm_pgarray_begin(&source, WM_OID_INT4, NULL, pool));
    WM_TRY(wm_pgarray_begin(&agent, WM_OID_INT4, NULL, pool));
    WM_TRY(wm_pgarray_begin(&created, WM_OID_TIMESTAMPTZ, NULL, pool));
    WM_TRY(wm_pgarray_begin(&battery, WM_OID_FLOAT8, NULL, pool));
    WM_TRY(wm_pgarray_begin(&counts, WM_OID_INT4, NULL, pool));
    for (size_t i = 0; i < count; i++) {
        WM_TRY(wm_pgarray_add_i32(&source, list[i].news->source + 1));
        WM_TRY(wm_pgarray_add_i32(&agent, list[i].news->agent + 1));
        WM_TRY(wm_pgarray_add_time(&created, list[i].news->last_created));
        WM_TRY(wm_pgarray_add_f64(&battery, list[i].news->battery));
        WM_TRY(wm_pgarray_add_i32(&counts, list[i].points));
    }
    a->news_source = wm_pgarray_arg(&source, WM_OID_INT4_ARRAY);
    a->news_agent = wm_pgarray_arg(&agent, WM_OID_INT4_ARRAY);
    a->news_created = wm_pgarray_arg(&created, WM_OID_TIMESTAMPTZ_ARRAY);
    a->news_battery = wm_pgarray_arg(&battery, WM_OID_FLOAT8_ARRAY);
    a->news_points = wm_pgarray_arg(&counts, WM_OID_INT4_ARRAY);
    return NULL;
}

/* One row per array of points: member, element type, when a point needs it, how a point adds. */
#define POINT_ARRAYS(X)                                                                           \
    X(ordinal, INT4, 1, wm_pgarray_add_i32(&array, (apr_int32_t)p->ordinal))                      \
    X(source, INT4, p->source, wm_pgarray_add_i32(&array, p->source + 1))                         \
    X(generator, INT4, 1, wm_pgarray_add_i32(&array, p->generator + 1))                           \
    X(agent, INT4, 1, wm_pgarray_add_i32(&array, p->agent + 1))                                   \
    X(created, TIMESTAMPTZ, 1, wm_pgarray_add_time(&array, p->created))                           \
    X(untimed, BOOL, p->untimed, add_bool(&array, p->untimed))                                    \
    X(digest, UUID, 1, wm_pgarray_add(&array, p->digest, sizeof p->digest))                       \
    X(secondary, TEXT, p->secondary.data != NULL,                                                 \
      wm_pgarray_add_text(&array, p->secondary.data, p->secondary.size))                          \
    X(longitude, FLOAT8, !isnan(p->longitude), wm_pgarray_add_f64(&array, p->longitude))          \
    X(latitude, FLOAT8, !isnan(p->latitude), wm_pgarray_add_f64(&array, p->latitude))             \
    X(flags, INT4, p->flags, wm_pgarray_add_i32(&array, (apr_int32_t)p->flags))                   \
    X(properties, JSONB, 1, wm_pgarray_add_jsonb(&array, p->properties.data, p->properties.size)) \
    X(bytes, INT4, 1, wm_pgarray_add_i32(&array, (apr_int32_t)p->properties.size))

const wm_err *wm_store_arrays_make(wm_store_arrays *a, const wm_bundle *bundle, apr_pool_t *pool)
{
    const int *sources = ranks_of(bundle->sources, pool);
    const wm_point **points = sort_points(bundle, sources, pool);
    int count = bundle->point_count, needed;
    wm_pgarray array;

    WM_TRY(dictionaries_make(a, bundle, pool));
    WM_TRY(news_make(a, bundle, sources, pool));
    WM_TRY(wm_store_groups_make(a, points, count, bundle->upload->received, pool));
#define X(member, type, when, add)                                   \
    needed = 0;                                                      \
    for (int i = 0; i < count && !needed; i++) {                     \
        const wm_point *p = points[i];                               \
                                                                     \
        needed = p && (when);                                        \
    }                                                                \
    a->member = WM_NULL(WM_OID_##type##_ARRAY);                      \
    if (needed) {                                                    \
        WM_TRY(wm_pgarray_begin(&array, WM_OID_##type, NULL, pool)); \
        for (int i = 0; i < count; i++) {                            \
            const wm_point *p = points[i];                           \
                                                                     \
            WM_TRY(add);                                             \
        }                                                            \
        a->member = wm_pgarray_arg(&array, WM_OID_##type##_ARRAY);   \
    }
    POINT_ARRAYS(X)
#undef X
    return NULL;
}
