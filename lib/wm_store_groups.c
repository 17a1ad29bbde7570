/* SPDX-License-Identifier: Apache-2.0 */
/* What the points of a bundle add to source_day, one group per source, generator and UTC day of
 * created.  points_group() of sql/schema counts the same when some points turn out to be known. */
#include "wm_pgarray.h"
#include "wm_store.h"

#define USEC_PER_DAY (APR_INT64_C(86400) * APR_USEC_PER_SEC)

typedef struct group {
    const wm_store_point *first, *last;
    apr_time_t first_received, last_received;
    apr_int64_t day, bytes;
    int points, minute, hour, daily, ahead;
    double lag_sum, lag_max;
    unsigned char quarters[4 + 12]; /* as bit(96) travels: the number of bits, then the bits */
} group;

/* Rounds towards minus infinity: points before 1970 have days of their own. */
static apr_int64_t day_of(apr_time_t t)
{
    return t >= 0 ? t / USEC_PER_DAY : -((-t + USEC_PER_DAY - 1) / USEC_PER_DAY);
}

static void add_point(group *g, const wm_store_point *at, apr_time_t received)
{
    const wm_point *p = at->point;
    apr_int64_t quarter = (p->created - g->day * USEC_PER_DAY) / (900 * APR_USEC_PER_SEC);
    double lag = (double)(received - p->created) / APR_USEC_PER_SEC;

    g->last = at;
    if (!g->points || received < g->first_received)
        g->first_received = received;
    if (!g->points || received > g->last_received)
        g->last_received = received;
    g->points++;
    g->bytes += (apr_int64_t)p->properties.size;
    g->quarters[4 + quarter / 8] |= (unsigned char)(0x80 >> quarter % 8);
    g->minute += lag <= 60;
    g->hour += lag <= 3600;
    g->daily += lag <= 86400;
    g->ahead += lag < -300;
    g->lag_sum += lag;
    if (lag > g->lag_max)
        g->lag_max = lag;
}

/* In sorted points each group is one run. */
static apr_array_header_t *groups_of(const wm_store_set *set, apr_pool_t *pool)
{
    apr_array_header_t *groups = apr_array_make(pool, 16, sizeof(group));
    group *g = NULL;

    for (int i = 0; i < set->point_count; i++) {
        const wm_store_point *at = &set->points[i];
        apr_int64_t day = day_of(at->point->created);

        if (!g || g->first->source != at->source || g->first->generator != at->generator ||
            g->day != day) {
            g = apr_array_push(groups);
            *g = (group){.first = at, .day = day, .lag_max = 0, .quarters = {0, 0, 0, 96}};
        }
        add_point(g, at, set->ranges[at->range].bundle->upload->received);
    }
    return groups;
}

/* One row per array of groups: member, element type, how a group adds. */
#define GROUP_ARRAYS(X)                                                                  \
    X(group_source, INT4, wm_pgarray_add_i32(&array, g->first->source + 1))              \
    X(group_generator, INT4, wm_pgarray_add_i32(&array, g->first->generator + 1))        \
    X(group_day, INT4, wm_pgarray_add_i32(&array, (apr_int32_t)g->day))                  \
    X(group_points, INT4, wm_pgarray_add_i32(&array, g->points))                         \
    X(group_bytes, INT8, wm_pgarray_add_i64(&array, g->bytes))                           \
    X(group_quarters, BIT, wm_pgarray_add(&array, g->quarters, sizeof g->quarters))      \
    X(group_first, TIMESTAMPTZ, wm_pgarray_add_time(&array, g->first->point->created))   \
    X(group_last, TIMESTAMPTZ, wm_pgarray_add_time(&array, g->last->point->created))     \
    X(group_first_received, TIMESTAMPTZ, wm_pgarray_add_time(&array, g->first_received)) \
    X(group_last_received, TIMESTAMPTZ, wm_pgarray_add_time(&array, g->last_received))   \
    X(group_minute, INT4, wm_pgarray_add_i32(&array, g->minute))                         \
    X(group_hour, INT4, wm_pgarray_add_i32(&array, g->hour))                             \
    X(group_daily, INT4, wm_pgarray_add_i32(&array, g->daily))                           \
    X(group_lag_sum, FLOAT8, wm_pgarray_add_f64(&array, g->lag_sum))                     \
    X(group_lag_max, FLOAT8, wm_pgarray_add_f64(&array, g->lag_max))                     \
    X(group_ahead, INT4, wm_pgarray_add_i32(&array, g->ahead))

const wm_err *wm_store_groups_make(struct wm_store_rows *rows, const wm_store_set *set,
                                   apr_pool_t *pool)
{
    const apr_array_header_t *groups = groups_of(set, pool);
    const group *begin = (const group *)groups->elts, *end = begin + groups->nelts;
    wm_pgarray array;

#define X(member, type, add)                                     \
    WM_TRY(wm_pgarray_begin(&array, WM_OID_##type, NULL, pool)); \
    for (const group *g = begin; g < end; g++)                   \
        WM_TRY(add);                                             \
    rows->member = wm_pgarray_arg(&array, WM_OID_##type##_ARRAY);
    GROUP_ARRAYS(X)
#undef X
    return NULL;
}
