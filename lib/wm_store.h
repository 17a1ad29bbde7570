/* SPDX-License-Identifier: Apache-2.0 */
/* What wm_bundle_store is made of: the arguments of the statements in sql/queries/bundle.sql, and
 * the statement that stores most bundles.  The writer uses it too, and the loader of bench/, which
 * measures the ceiling. */
#ifndef WM_STORE_H
#define WM_STORE_H

#include "wm_bundle.h"
#include "wm_db.h"

/* A bundle that is to be stored, with what goes along. */
typedef struct wm_storable {
    const wm_bundle *bundle;
    const wm_store_options *options;
    wm_text body; /* its JSON as gzip; data NULL when it is not kept */
    int careful;  /* the statement for simple bundles has failed */
} wm_storable;

/* BUNDLE with its body as it is kept; memory belongs to POOL. */
const wm_err *wm_storable_make(wm_storable *item, const wm_bundle *bundle,
                               const wm_store_options *options, apr_pool_t *pool);

/* wm_bundle_store for an ITEM that is made; what goes to quarantine changes it. */
const wm_err *wm_storable_store(wm_stored *stored, wm_db *db, wm_storable *item, apr_pool_t *pool);

/* One statement takes at most so many rows and about so many bytes of them, so that memory and the
 * time of a statement are bounded however large the bundle is. */
enum { WM_STORE_PIECE_ROWS = 8192, WM_STORE_PIECE_BYTES = 4 * 1024 * 1024 };

/* Points FROM to below TO of a bundle. */
typedef struct wm_store_range {
    const wm_bundle *bundle;
    int from, to;
} wm_store_range;

/* Where the piece of points that begins at FROM ends. */
int wm_store_piece_end(const wm_bundle *bundle, int from);

/* A point with its places in the set. */
typedef struct wm_store_point {
    const wm_point *point;
    int range, source, generator, agent;
} wm_store_point;

/* What a source's points in the set tell of it. */
typedef struct wm_store_news {
    int agent;
    int points;
    apr_time_t received;   /* the newest */
    apr_time_t created;    /* the newest */
    double battery;        /* NAN: not told */
    apr_time_t battery_at; /* received */
} wm_store_news;

/* How many points of a generator a range has. */
typedef struct wm_store_count {
    int generator, points;
    apr_int64_t bytes;
} wm_store_count;

/* What one statement stores: points of one bundle or of several, sorted as the index that recognises
 * repeats is, and the dictionary texts that belong to them. */
typedef struct wm_store_set {
    const wm_store_range *ranges;
    int range_count;
    wm_text *sources;    /* in the order of their bytes, with news */
    wm_store_news *news; /* one per source */
    int source_count;
    wm_text *generators; /* in the order of their bytes */
    int generator_count;
    wm_agent *agents;
    int agent_count;
    wm_store_point *points;
    int point_count;
    apr_array_header_t *counts; /* wm_store_count, range by range */
    int *counts_end;            /* of each range: where its counts end */
} wm_store_set;

/* The points of COUNT RANGES, at least one, which must live as long as the set; memory belongs to
 * POOL. */
const wm_err *wm_store_set_make(wm_store_set **set, const wm_store_range *ranges, int count,
                                apr_pool_t *pool);

/* Arrays in the order in which points_store() and bundles_store() take them.  An array that would
 * say the same of every point is null. */
typedef struct wm_store_arrays {
    struct wm_store_rows {
        wm_arg sources, generators, agent_generators, agent_user_agents;
        wm_arg ordinal, source, generator, agent, created, digest, secondary, longitude, latitude,
            flags, properties;
        wm_arg group_source, group_generator, group_day, group_points, group_bytes, group_quarters,
            group_first, group_last, group_first_received, group_last_received, group_minute,
            group_hour, group_daily, group_lag_sum, group_lag_max, group_ahead;
        wm_arg news_source, news_agent, news_received, news_created, news_battery, news_battery_at,
            news_points;
    } rows;
    struct wm_store_careful {
        wm_arg untimed, bytes;
    } careful; /* of points_store() alone */
    struct wm_store_batch {
        wm_arg doubtful, bundle_source, bundle_points, counts_end, count_generator, count_points,
            count_bytes, bundle;
    } batch; /* of bundles_store() alone */
} wm_store_arrays;

/* The arrays of SET; memory belongs to POOL. */
const wm_err *wm_store_arrays_make(wm_store_arrays *arrays, const wm_store_set *set,
                                   apr_pool_t *pool);

/* The part of them that groups the points. */
const wm_err *wm_store_groups_make(struct wm_store_rows *rows, const wm_store_set *set,
                                   apr_pool_t *pool);

/* Rows of the dictionaries, in a transaction of their own. */
const wm_err *wm_store_dictionary(wm_db *db, const wm_store_arrays *arrays,
                                  const wm_store_options *options, apr_pool_t *pool);

/* Whether ITEM is what wm_store_together takes: a bundle of one source with nothing but points, that
 * one statement can take.  More than that there may be in a bundle, but seldom is. */
int wm_store_simple(const wm_storable *item);

/* COUNT simple bundles with their ARRAYS, in one statement that is its own transaction.  All have the
 * same options->now.  *DONE is 0 when something in it is known already, then nothing is stored, and
 * wm_bundle_store is for each; else STORED[i] is filled. */
const wm_err *wm_store_together(int *done, wm_stored *const *stored, wm_db *db,
                                const wm_storable *const *items, int count,
                                const wm_store_arrays *arrays, apr_pool_t *pool);

/* The rows beside the points, in the caller's transaction: what is in quarantine, which the status of
 * SOURCE counts (the bundle's first; 0: none); then the files, and their links with the points, of
 * which STORED are the bundle's own and the others known from elsewhere. */
const wm_err *wm_store_quarantine(wm_db *db, const wm_bundle *bundle, apr_int64_t id,
                                  apr_int64_t source, apr_pool_t *pool);
const wm_err *wm_store_files(wm_db *db, const wm_bundle *bundle, apr_int64_t id,
                             const char *recorded, int stored, apr_pool_t *pool);

/* The word of the column form. */
const char *wm_store_form(wm_body_form form);

#endif
