/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

/* Fold what bundles brought into the rollups that pages read, so that no page has to do it. */
static const wm_err *arrival_fold(wm_job_run *run)
{
    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_JOB_ARRIVAL_FOLD, WM_NO_ARGS, run->pool));
    return wm_db_do(NULL, run->db, WM_SQL_JOB_STUDY_REFRESH, WM_ARGS(WM_TIME(run->now)), run->pool);
}

const wm_job wm_job_arrival_fold = {
    .name = "arrival-fold",
    .summary = "bring the numbers that pages show up to date",
    .every = APR_TIME_C(60) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(600) * APR_USEC_PER_SEC,
    .run = arrival_fold,
};
