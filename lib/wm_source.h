/* SPDX-License-Identifier: Apache-2.0 */
/* Participants: what people decide about them. */
#ifndef WM_SOURCE_H
#define WM_SOURCE_H

#include "wm_db.h"
#include "wm_err.h"

typedef struct wm_source {
    apr_int64_t id;
    apr_int64_t
        study; /* of one on no list the default one, where it is shown; without that WM_ALL_STUDIES */
    const char *identifier;
} wm_source;

/* The participant called IDENTIFIER, or without one (NULL) that with the number ID, in POOL.
 * WM_E_NOT_FOUND. */
const wm_err *wm_source_find(wm_source **source, wm_db *db, const char *identifier, apr_int64_t id,
                             apr_pool_t *pool);

/* Leave SOURCE, and whoever is merged into it, out of every export that is not finished (EXCLUDE), or
 * have them in it again; in the caller's transaction.  *CHANGED is 0 when that was so already.
 * WM_E_CONFLICT in words while it is being merged, or has been, into another. */
const wm_err *wm_source_exclude(int *changed, wm_db *db, const wm_source *source, int exclude,
                                apr_pool_t *pool);

#endif
