/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of a process: while one thread stores, the bundles of others gather, and the next one
 * stores them all in one transaction.  A transaction has a fixed price, about that of 25 points
 * (bench/README), and sharing it is what lets a small server answer many small uploads.  Therefore
 * the next batch also gathers while one is under way: until it is as large, or one of its bundles
 * has waited long enough.
 *
 * Nobody's upload depends on another's: when a batch fails for whatever reason, nothing of it is
 * stored, and each of its threads stores its own bundle as if there had been no batch. */
#ifndef WM_WRITER_H
#define WM_WRITER_H

#include "wm_bundle.h"
#include "wm_db.h"

typedef struct wm_writer wm_writer;

/* Where a thread gets its connection when it is the one that stores, and where it gives it back.
 * BORROW fails with WM_E_BUSY; RETURN is called after each success of it. */
typedef struct wm_lender {
    const wm_err *(*borrow)(wm_db **db, void *host);
    void (*give_back)(void *host);
    void *host;
    const void *database; /* only bundles for the same one are stored together */
} wm_lender;

/* Of at most BATCHES at once, which is as many connections.  A bundle waits at most GATHER for
 * others while a connection is free, and at most WAIT for its turn.  In POOL. */
const wm_err *wm_writer_create(wm_writer **writer, int batches, apr_interval_time_t gather,
                               apr_interval_time_t wait, apr_pool_t *pool);

/* Store BUNDLE like wm_bundle_store, with those of other threads where possible, on a connection of
 * this thread's LENDER or of another's.  Everything given must live until it returns; meanwhile
 * another thread may allocate in POOL. */
const wm_err *wm_writer_store(wm_stored *stored, wm_writer *writer, const wm_lender *lender,
                              const wm_bundle *bundle, const wm_store_options *options,
                              apr_pool_t *pool);

/* How many bundles wait for their turn now. */
int wm_writer_waiting(wm_writer *writer);

#endif
