/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together what one statement stores: a piece of a large bundle, or several small ones. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wm_dict.h"
#include "wm_store.h"

/* A set on its way: texts and news in order of first sight. */
typedef struct building {
    wm_store_set *set;
    wm_dict *sources, *generators, *agents;
    apr_array_header_t *news; /* wm_store_news */
    apr_pool_t *pool;
} building;

int wm_store_piece_end(const wm_bundle *bundle, int from)
{
    size_t bytes = 0;
    int to = from;

    while (to < bundle->point_count && to - from < WM_STORE_PIECE_ROWS &&
           (to == from || bytes + bundle->points[to].properties.size <= WM_STORE_PIECE_BYTES))
        bytes += bundle->points[to++].properties.size;
    return to;
}

/* Where an entry of a bundle's dictionary is in the set's; PLACES remembers it, plus one. */
static const wm_err *place(int *result, wm_dict *dict, int *places, int entry, wm_text a, wm_text b)
{
    if (!places[entry]) {
        WM_TRY(wm_dict_put(result, dict, a, b));
        places[entry] = *result + 1;
    }
    *result = places[entry] - 1;
    return NULL;
}

static int *places_for(const apr_array_header_t *list, apr_pool_t *pool)
{
    return apr_pcalloc(pool, sizeof(int) * ((size_t)list->nelts + 1));
}

static wm_store_news *news_of(const building *b, int source)
{
    while (b->news->nelts <= source)
        *(wm_store_news *)apr_array_push(b->news) = (wm_store_news){.battery = NAN};
    return &APR_ARRAY_IDX(b->news, source, wm_store_news);
}

/* FIRST: nothing was told of the source before. */
static void tell(wm_store_news *news, const wm_source_news *more, int agent, apr_time_t received,
                 int first)
{
    if (first || received >= news->received) {
        news->received = received;
        news->agent = agent;
    }
    if (first || more->last_created > news->created)
        news->created = more->last_created;
    if (!isnan(more->battery) && (isnan(news->battery) || received >= news->battery_at)) {
        news->battery = more->battery;
        news->battery_at = received;
    }
}

static const wm_err *add_range(const building *b, int number)
{
    static const wm_text none = {NULL, 0};
    const wm_store_range *range = &b->set->ranges[number];
    const wm_bundle *bundle = range->bundle;
    int *sources = places_for(bundle->sources, b->pool);
    int *generators = places_for(bundle->generators, b->pool);
    int *agents = places_for(bundle->agents, b->pool);
    int known = b->news->nelts;

    for (int i = range->from; i < range->to; i++) {
        const wm_point *p = &bundle->points[i];
        const wm_agent *agent = &APR_ARRAY_IDX(bundle->agents, p->agent, wm_agent);
        wm_store_point *to = &b->set->points[b->set->point_count++];

        to->point = p;
        to->range = number;
        WM_TRY(place(&to->source, b->sources, sources, p->source,
                     APR_ARRAY_IDX(bundle->sources, p->source, wm_text), none));
        WM_TRY(place(&to->generator, b->generators, generators, p->generator,
                     APR_ARRAY_IDX(bundle->generators, p->generator, wm_text), none));
        WM_TRY(place(&to->agent, b->agents, agents, p->agent, agent->generator, agent->user_agent));
        news_of(b, to->source)->points++;
    }
    for (int i = 0; i < bundle->news->nelts; i++) {
        const wm_source_news *news = &APR_ARRAY_IDX(bundle->news, i, wm_source_news);
        const wm_agent *agent = &APR_ARRAY_IDX(bundle->agents, news->agent, wm_agent);
        int source = sources[news->source] - 1, place_of_agent;

        if (source < 0)
            continue;
        WM_TRY(place(&place_of_agent, b->agents, agents, news->agent, agent->generator,
                     agent->user_agent));
        tell(news_of(b, source), news, place_of_agent, bundle->upload->received, source >= known);
    }
    return NULL;
}

static int text_order(const void *a, const void *b)
{
    const wm_text *x = &(*(const wm_dict_entry *const *)a)->a;
    const wm_text *y = &(*(const wm_dict_entry *const *)b)->a;
    size_t least = x->size < y->size ? x->size : y->size;
    int order = least ? memcmp(x->data, y->data, least) : 0;

    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* The texts of DICT in the order of their bytes; *RANKS gets the place of each there. */
static wm_text *sort_texts(int **ranks, const wm_dict *dict, apr_pool_t *pool)
{
    size_t count = (size_t)dict->entries->nelts;
    const wm_dict_entry **sorted = apr_palloc(pool, sizeof *sorted * (count + 1));
    wm_text *texts = apr_palloc(pool, sizeof *texts * (count + 1));

    *ranks = apr_palloc(pool, sizeof **ranks * (count + 1));
    for (size_t i = 0; i < count; i++)
        sorted[i] = wm_dict_at(dict, (int)i);
    qsort(sorted, count, sizeof *sorted, text_order);
    for (size_t i = 0; i < count; i++) {
        texts[i] = sorted[i]->a;
        (*ranks)[sorted[i] - wm_dict_at(dict, 0)] = (int)i;
    }
    return texts;
}

/* From order of first sight to order of bytes: two writers that share sources take their rows one
 * after the other. */
static void rank(const building *b)
{
    wm_store_set *set = b->set;
    int *sources, *generators;

    set->source_count = b->sources->entries->nelts;
    set->sources = sort_texts(&sources, b->sources, b->pool);
    set->generator_count = b->generators->entries->nelts;
    set->generators = sort_texts(&generators, b->generators, b->pool);
    set->agent_count = b->agents->entries->nelts;
    set->agents = apr_palloc(b->pool, sizeof *set->agents * ((size_t)set->agent_count + 1));
    for (int i = 0; i < set->agent_count; i++)
        set->agents[i] = (wm_agent){wm_dict_at(b->agents, i)->a, wm_dict_at(b->agents, i)->b};
    set->news = apr_palloc(b->pool, sizeof *set->news * ((size_t)set->source_count + 1));
    for (int i = 0; i < set->source_count; i++)
        set->news[sources[i]] = APR_ARRAY_IDX(b->news, i, wm_store_news);
    for (int i = 0; i < set->point_count; i++) {
        set->points[i].source = sources[set->points[i].source];
        set->points[i].generator = generators[set->points[i].generator];
    }
}

/* While the points are range by range.  AT: of each generator, the number of its newest count. */
static void count_up(wm_store_set *set, apr_pool_t *pool)
{
    int *at = apr_pcalloc(pool, sizeof *at * ((size_t)set->generator_count + 1));
    int begin = 0, next = 0;

    set->counts = apr_array_make(pool, 16, sizeof(wm_store_count));
    set->counts_end = apr_palloc(pool, sizeof *set->counts_end * (size_t)set->range_count);
    for (int r = 0; r < set->range_count; r++, begin = set->counts->nelts) {
        for (; next < set->point_count && set->points[next].range == r; next++) {
            int generator = set->points[next].generator;
            wm_store_count *c;

            if (at[generator] <= begin) {
                *(wm_store_count *)apr_array_push(set->counts) = (wm_store_count){generator, 0, 0};
                at[generator] = set->counts->nelts;
            }
            c = &APR_ARRAY_IDX(set->counts, at[generator] - 1, wm_store_count);
            c->points++;
            c->bytes += (apr_int64_t)set->points[next].point->properties.size;
        }
        set->counts_end[r] = set->counts->nelts;
    }
}

static int point_order(const void *a, const void *b)
{
    const wm_store_point *x = a, *y = b;

    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    if (x->generator != y->generator)
        return x->generator < y->generator ? -1 : 1;
    if (x->point->created != y->point->created)
        return x->point->created < y->point->created ? -1 : 1;
    return memcmp(x->point->digest, y->point->digest, sizeof x->point->digest);
}

const wm_err *wm_store_set_make(wm_store_set **result, const wm_store_range *ranges, int count,
                                apr_pool_t *pool)
{
    wm_store_set *set = apr_pcalloc(pool, sizeof *set);
    building b = {.set = set, .news = apr_array_make(pool, 4, sizeof(wm_store_news)), .pool = pool};
    wm_hold *hold = wm_hold_create(NULL, pool); /* of texts that decoding has counted */
    size_t points = 0;
    apr_uint64_t seed;

    memcpy(&seed, ranges[0].bundle->upload->uid, sizeof seed); /* nobody knows it beforehand */
    b.sources = wm_dict_create(seed, hold, pool);
    b.generators = wm_dict_create(seed, hold, pool);
    b.agents = wm_dict_create(seed, hold, pool);
    set->ranges = ranges;
    set->range_count = count;
    for (int i = 0; i < count; i++)
        points += (size_t)(ranges[i].to - ranges[i].from);
    set->points = apr_palloc(pool, sizeof *set->points * (points + 1));
    for (int i = 0; i < count; i++)
        WM_TRY(add_range(&b, i));
    rank(&b);
    count_up(set, pool);
    qsort(set->points, points, sizeof *set->points, point_order);
    *result = set;
    return NULL;
}
