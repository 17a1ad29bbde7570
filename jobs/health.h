/* SPDX-License-Identifier: Apache-2.0 */
/* What the job "health" and the command of that name share: a sample, by the limits of [health]. */
#ifndef WM_JOBS_HEALTH_H
#define WM_JOBS_HEALTH_H

#include <apr_pools.h>
#include <apr_time.h>
#include <jansson.h>

#include "wm_db.h"
#include "wm_err.h"

/* Look at everything and judge it; both results belong to POOL. */
const wm_err *wm_health_take(json_t **facts, json_t **verdict, wm_db *db, apr_time_t now,
                             apr_pool_t *pool);

#endif
