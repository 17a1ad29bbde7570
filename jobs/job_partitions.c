/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

enum { MONTHS_AHEAD = 3 };

/* Make the partitions of the coming months. */
static const wm_err *partitions(wm_job_run *run)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_JOB_PARTITIONS, WM_ARGS(WM_I64(MONTHS_AHEAD)),
                      run->pool));
    wm_job_note(run, "made %s partitions", wm_rows_text(rows, 0, 0));
    return NULL;
}

const wm_job wm_job_partitions = {
    .name = "partitions",
    .summary = "make the monthly partitions of the coming months",
    .every = APR_TIME_C(6) * 3600 * APR_USEC_PER_SEC,
    .tries = 10,
    .run = partitions,
};
