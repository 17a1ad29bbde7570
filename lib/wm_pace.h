/* SPDX-License-Identifier: Apache-2.0 */
/* Long work that gives way.  Priorities reach our own process only; what PostgreSQL does for it competes
 * with what it does for uploads.  So work rests while others have need of the processors. */
#ifndef WM_PACE_H
#define WM_PACE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "wm_db.h"

typedef struct wm_pace wm_pace;

/* The pace of work of this process and of DB's server process, where that is on this machine; in POOL. */
wm_pace *wm_pace_create(const wm_db *db, apr_pool_t *pool);

/* To be called every few milliseconds of work: rests a while where the others' load asks for it. */
void wm_pace_rest(wm_pace *pace);

/* How long to rest after WORKED: OTHERS and IDLE are parts (0 to 1) of all processors' time. */
apr_interval_time_t wm_pace_nap(double others, double idle, apr_interval_time_t worked);

#endif
