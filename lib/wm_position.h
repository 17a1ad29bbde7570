/* SPDX-License-Identifier: Apache-2.0 */
/* Positions, the clock of exports, arrivals and forwarding, are transaction ids, and these begin low
 * again in a cluster that a dump is restored into. */
#ifndef WM_POSITION_H
#define WM_POSITION_H

#include <apr_pools.h>

#include "wm_db.h"
#include "wm_err.h"

/* See to it that what is stored from now on comes after all that is stored already.  Outside a
 * transaction.  WM_E_BUSY: somebody stores meanwhile. */
const wm_err *wm_position_raise(wm_db *db, apr_pool_t *pool);

/* The same for pooled connections: asks once for each, again when it was reset, and looks only at
 * how far arrivals are folded. */
const wm_err *wm_position_follow(wm_db *db, apr_pool_t *pool);

#endif
