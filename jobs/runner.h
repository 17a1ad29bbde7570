/* SPDX-License-Identifier: Apache-2.0 */
/* What job.c and the runner share; jobs themselves need job.h alone. */
#ifndef WM_RUNNER_H
#define WM_RUNNER_H

#include "job.h"

enum { WM_JOB_NOTE_ROOM = 1024, WM_JOB_TRIES = 5 };

/* What a run keeps between the calls of its job. */
struct wm_job_state {
    apr_int64_t run_id;        /* its row of job_run; 0 without one */
    apr_interval_time_t lease; /* of the job's row */
    char note[WM_JOB_NOTE_ROOM];
    struct json_t *progress; /* the newest; owned */
    int unwritten;           /* it is newer than the row's */
    apr_time_t written, drawn;
    wm_db *second; /* for progress while the job's own connection is in a transaction */
};

/* A run of JOB with nothing but defaults, in POOL. */
wm_job_run *wm_job_run_make(wm_db *db, const char *conninfo, const wm_log *log, apr_pool_t *pool);

/* Write the newest progress and leave the terminal's line. */
const wm_err *wm_job_progress_flush(wm_job_run *run);

/* What the run noted, "" for nothing. */
const char *wm_job_noted(const wm_job_run *run);

#endif
