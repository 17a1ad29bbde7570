/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer outside the pools, because pools cannot give memory back.  A cleanup of
 * the pool frees it; it grows by half, and asks its budget before it does. */
#ifndef WM_BUF_H
#define WM_BUF_H

#include <stddef.h>
#include <apr_pools.h>
#include "wm_err.h"

typedef struct wm_budget wm_budget;

/* What one process may hold for all its requests (WebmunkMemoryMax).  The host fills both
 * members.  TAKE may wait for others to give back; it fails with WM_E_BUSY when that takes too
 * long, and must let a request that is alone have all it asks for. */
struct wm_budget {
    const wm_err *(*take)(void *host, size_t bytes, apr_pool_t *pool);
    void (*give)(void *host, size_t bytes);
    void *host;
};

typedef struct wm_buf {
    char *data;
    size_t size;
    size_t room;
    const wm_budget *budget; /* NULL: unaccounted */
    apr_pool_t *pool;
} wm_buf;

/* An empty buffer whose memory POOL frees.  BUDGET may be NULL. */
wm_buf *wm_buf_create(const wm_budget *budget, apr_pool_t *pool);

/* Make room for MORE bytes after size.  WM_E_BUSY when the budget refuses, WM_E_SYSTEM when
 * malloc does; the content stays as it was. */
const wm_err *wm_buf_reserve(wm_buf *buf, size_t more);

/* Append; fails like wm_buf_reserve. */
const wm_err *wm_buf_add(wm_buf *buf, const void *data, size_t size);

/* Give the memory back now. */
void wm_buf_free(wm_buf *buf);

/* What a request takes from its pool in many small pieces, as its budget sees it: asked for in
 * steps, given back by the pool's cleanup. */
typedef struct wm_hold {
    const wm_budget *budget; /* NULL: unaccounted */
    size_t used, taken;
    apr_pool_t *pool;
} wm_hold;

/* A hold of nothing, for memory of POOL.  BUDGET may be NULL. */
wm_hold *wm_hold_create(const wm_budget *budget, apr_pool_t *pool);

/* Account for BYTES more, before they are allocated.  WM_E_BUSY when the budget refuses. */
const wm_err *wm_hold_add(wm_hold *hold, size_t bytes);

#endif
