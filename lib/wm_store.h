/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of the statements in sql/queries/bundle.sql, made from a decoded bundle, and the
 * statement that stores most bundles.  Apart from wm_store.c only the loader of bench/ uses them,
 * which measures the ceiling. */
#ifndef WM_STORE_H
#define WM_STORE_H

#include "wm_bundle.h"
#include "wm_db.h"

/* Arrays of points_store(), in the order in which it takes them: dictionary texts, points sorted as
 * the index that recognises repeats is, groups of source_day, news.  An array that would say the
 * same of every point is null. */
typedef struct wm_store_arrays {
    wm_arg sources, generators, agent_generators, agent_user_agents;
    wm_arg ordinal, source, generator, agent, created, untimed, digest, secondary, longitude,
        latitude, flags, properties, bytes;
    wm_arg group_source, group_generator, group_day, group_points, group_bytes, group_quarters,
        group_first, group_last, group_minute, group_hour, group_daily, group_lag_sum,
        group_lag_max, group_ahead;
    wm_arg news_source, news_agent, news_created, news_battery;
} wm_store_arrays;

/* Arrays of the rows beside the points. */
typedef struct wm_store_side {
    wm_arg more_sources;
    wm_arg reasons, indexes, raws;
    wm_arg file_identifiers, file_types, file_bytes, file_sha256, file_paths;
    wm_arg link_files, link_ordinals;
} wm_store_side;

/* Points FROM to below TO of BUNDLE, with the dictionaries whole; memory belongs to POOL. */
const wm_err *wm_store_arrays_make(wm_store_arrays *arrays, const wm_bundle *bundle, int from,
                                   int to, apr_pool_t *pool);

/* The part of them that groups the sorted POINTS. */
const wm_err *wm_store_groups_make(wm_store_arrays *arrays, const wm_point *const *points,
                                   int count, apr_time_t received, apr_pool_t *pool);

/* Rows of the dictionaries, in a transaction of their own. */
const wm_err *wm_store_dictionary(wm_db *db, const wm_store_arrays *arrays,
                                  const wm_store_options *options, apr_pool_t *pool);

/* A bundle of one source with nothing but points, in one statement that is its own transaction.
 * BODY is gzip, or its data NULL.  *DONE is 0 when a dictionary lacks a row; nothing is stored
 * then. */
const wm_err *wm_store_at_once(int *done, wm_stored *stored, wm_db *db, const wm_bundle *bundle,
                               const wm_store_options *options, const wm_text *body,
                               const wm_store_arrays *arrays, apr_pool_t *pool);

const wm_err *wm_store_side_make(wm_store_side *side, const wm_bundle *bundle, apr_pool_t *pool);

#endif
