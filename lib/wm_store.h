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
    wm_arg news_source, news_agent, news_created, news_battery, news_points;
} wm_store_arrays;

/* The arrays for BUNDLE's points; memory belongs to POOL. */
const wm_err *wm_store_arrays_make(wm_store_arrays *arrays, const wm_bundle *bundle,
                                   apr_pool_t *pool);

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

/* One statement takes at most so many rows and about so many bytes of them, so that memory and the
 * time of a statement are bounded however large the bundle is. */
enum { WM_STORE_PIECE_ROWS = 8192, WM_STORE_PIECE_BYTES = 4 * 1024 * 1024 };

/* Where the piece of points that begins at FROM ends. */
int wm_store_piece_end(const wm_bundle *bundle, int from);

/* Points FROM to below TO as a bundle of their own, with just the dictionary texts and news that
 * belong to them; BUNDLE itself when that is all of it. */
const wm_bundle *wm_store_piece(const wm_bundle *bundle, int from, int to, apr_pool_t *pool);

/* The rows beside the points, in the caller's transaction: what is in quarantine, then the files
 * and their links. */
const wm_err *wm_store_quarantine(wm_db *db, const wm_bundle *bundle, apr_int64_t id,
                                  apr_pool_t *pool);
const wm_err *wm_store_files(wm_db *db, const wm_bundle *bundle, apr_int64_t id, apr_pool_t *pool);

#endif
