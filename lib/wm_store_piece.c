/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts a bundle into pieces that one statement can take. */
#include <string.h>

#include <apr_strings.h>

#include "wm_store.h"

int wm_store_piece_end(const wm_bundle *bundle, int from)
{
    size_t bytes = 0;
    int to = from;

    while (to < bundle->point_count && to - from < WM_STORE_PIECE_ROWS &&
           (to == from || bytes + bundle->points[to].properties.size <= WM_STORE_PIECE_BYTES))
        bytes += bundle->points[to++].properties.size;
    return to;
}

/* A dictionary, reduced to the entries that are asked for. */
typedef struct reduced {
    const apr_array_header_t *all;
    apr_array_header_t *kept;
    int *places; /* of each entry of all: its place in kept plus one, 0 when it is not there */
} reduced;

static reduced reduce(const apr_array_header_t *all, apr_pool_t *pool)
{
    return (reduced){.all = all,
                     .kept = apr_array_make(pool, 16, all->elt_size),
                     .places = apr_pcalloc(pool, sizeof(int) * ((size_t)all->nelts + 1))};
}

static int keep(reduced *r, int entry)
{
    if (!r->places[entry]) {
        memcpy(apr_array_push(r->kept), r->all->elts + (size_t)entry * (size_t)r->all->elt_size,
               (size_t)r->all->elt_size);
        r->places[entry] = r->kept->nelts;
    }
    return r->places[entry] - 1;
}

const wm_bundle *wm_store_piece(const wm_bundle *bundle, int from, int to, apr_pool_t *pool)
{
    reduced sources, generators, agents;
    wm_bundle *piece;

    if (!from && to == bundle->point_count)
        return bundle;
    sources = reduce(bundle->sources, pool);
    generators = reduce(bundle->generators, pool);
    agents = reduce(bundle->agents, pool);
    piece = apr_pmemdup(pool, bundle, sizeof *bundle);
    piece->point_count = to - from;
    piece->points =
        apr_pmemdup(pool, bundle->points + from, sizeof *piece->points * (size_t)(to - from));
    for (wm_point *p = piece->points; p < piece->points + piece->point_count; p++) {
        p->source = keep(&sources, p->source);
        p->generator = keep(&generators, p->generator);
        p->agent = keep(&agents, p->agent);
    }
    piece->news = apr_array_make(pool, sources.kept->nelts, sizeof(wm_source_news));
    for (int i = 0; i < bundle->news->nelts; i++) {
        wm_source_news news = APR_ARRAY_IDX(bundle->news, i, wm_source_news);

        if (!sources.places[news.source])
            continue;
        news.source = keep(&sources, news.source);
        news.agent = keep(&agents, news.agent);
        *(wm_source_news *)apr_array_push(piece->news) = news;
    }
    piece->sources = sources.kept;
    piece->generators = generators.kept;
    piece->agents = agents.kept;
    return piece;
}
