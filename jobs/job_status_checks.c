/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

/* Compare what is wrong with participants and the server with the alerts that are open. */
static const wm_err *status_checks(wm_job_run *run)
{
    wm_rows *rows;

    WM_TRY(
        wm_db_do(NULL, run->db, WM_SQL_JOB_STUDY_REFRESH, WM_ARGS(WM_TIME(run->now)), run->pool));
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_ALERT_UPDATE, WM_ARGS(WM_TIME(run->now)), run->pool));
    wm_job_note(run, "opened %s alerts, closed %s; %s are open", wm_rows_text(rows, 0, 0),
                wm_rows_text(rows, 0, 1), wm_rows_text(rows, 0, 2));
    return NULL;
}

const wm_job wm_job_status_checks = {
    .name = "status-checks",
    .summary = "open and close alerts about participants, jobs, nights and deliveries",
    .every = APR_TIME_C(300) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(600) * APR_USEC_PER_SEC,
    .tries = 3,
    .run = status_checks,
};
