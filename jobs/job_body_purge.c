/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#define KEEP_JOBS (APR_TIME_C(90) * 86400 * APR_USEC_PER_SEC)

/* Drop the bodies of bundles whose time is over, and the history of jobs of long ago. */
static const wm_err *body_purge(wm_job_run *run)
{
    enum { BODIES = 200, JOBS = 1000 }; /* short locks, prompt stop */
    apr_int64_t gone, bodies = 0, jobs = 0;

    do {
        WM_TRY(wm_db_do(&gone, run->db, WM_SQL_JOB_BODY_PURGE,
                        WM_ARGS(WM_TIME(run->now), WM_I64(BODIES)), run->pool));
        bodies += gone;
        WM_TRY(wm_job_progress(run, bodies, 0, "bodies", NULL));
    } while (gone == BODIES && !*run->stop);
    do {
        WM_TRY(wm_db_do(&gone, run->db, WM_SQL_JOB_PURGE,
                        WM_ARGS(WM_TIME(run->now - KEEP_JOBS), WM_I64(JOBS)), run->pool));
        jobs += gone;
    } while (gone == JOBS && !*run->stop);
    wm_job_note(run, "dropped %" APR_INT64_T_FMT " bodies and %" APR_INT64_T_FMT " old jobs",
                bodies, jobs);
    return NULL;
}

const wm_job wm_job_body_purge = {
    .name = "body-purge",
    .summary = "drop kept bodies and finished jobs whose time is over",
    .every = APR_TIME_C(3600) * APR_USEC_PER_SEC,
    .run = body_purge,
};
