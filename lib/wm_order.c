/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the points of a large bundle.  It is stored in pieces, and each piece has rows of its
 * own to write for every source and day that it meets: neighbours should share them. */
#include <stdlib.h>

#include "wm_decode.h"

typedef struct place {
    apr_int32_t source, generator;
    apr_time_t created;
    apr_uint32_t from; /* index of the point that belongs here */
} place;

static int place_order(const void *one, const void *other)
{
    const place *a = one, *b = other;

    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->generator != b->generator)
        return a->generator < b->generator ? -1 : 1;
    if (a->created != b->created)
        return a->created < b->created ? -1 : 1;
    return a->from < b->from ? -1 : 1;
}

static int is_sorted(const place *places, apr_uint32_t count)
{
    for (apr_uint32_t i = 1; i < count; i++)
        if (place_order(&places[i - 1], &places[i]) > 0)
            return 0;
    return 1;
}

/* Bring every point to its place, one cycle after the other.  TO[i] gets where the i-th went. */
static void move(wm_point *points, const place *places, apr_uint32_t *to, apr_uint32_t count)
{
    for (apr_uint32_t i = 0; i < count; i++)
        to[i] = count; /* not moved yet */
    for (apr_uint32_t start = 0; start < count; start++) {
        wm_point first = points[start];
        apr_uint32_t at = start, from;

        if (to[places[start].from] != count)
            continue;
        for (; (from = places[at].from) != start; at = from) {
            points[at] = points[from];
            to[from] = at;
        }
        points[at] = first;
        to[start] = at;
    }
}

const wm_err *wm_points_order(wm_decoder *d)
{
    wm_bundle *bundle = d->bundle;
    apr_uint32_t count = (apr_uint32_t)bundle->point_count, *to;
    wm_buf *buf;
    place *places;

    if (count < WM_ORDER_FROM)
        return NULL;
    buf = wm_buf_create(d->options->budget, d->pool);
    WM_TRY(wm_buf_reserve(buf, count * (sizeof *places + sizeof *to)));
    places = (place *)(void *)buf->data;
    to = (apr_uint32_t *)(void *)(places + count);
    for (apr_uint32_t i = 0; i < count; i++) {
        const wm_point *p = &bundle->points[i];

        places[i] = (place){p->source, p->generator, p->created, i};
    }
    if (!is_sorted(places, count)) {
        qsort(places, count, sizeof *places, place_order);
        move(bundle->points, places, to, count);
        for (int i = 0; i < bundle->links->nelts; i++) {
            wm_file_link *link = &APR_ARRAY_IDX(bundle->links, i, wm_file_link);

            link->point = (int)to[link->point];
        }
    }
    wm_buf_free(buf);
    return NULL;
}
