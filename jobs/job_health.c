/* SPDX-License-Identifier: Apache-2.0 */
#include "health.h"
#include "job.h"
#include "wm_health.h"

/* Take and keep a sample.  Once more in a minute adds to it. */
static const wm_err *health(wm_job_run *run)
{
    json_t *facts, *verdict;

    WM_TRY(wm_health_take(&facts, &verdict, run->db, run->now, run->pool));
    WM_TRY(wm_health_keep(run->db, facts, verdict, run->now, run->pool));
    wm_job_note(run, "%s", json_string_value(json_object_get(verdict, "state")));
    return NULL;
}

const wm_job wm_job_health = {
    .name = "health",
    .summary = "sample how the server is",
    .every = APR_TIME_C(60) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(120) * APR_USEC_PER_SEC,
    .tries = 1, /* the next comes in a minute */
    .run = health,
};
