/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"
#include "wm_account.h"
#include "wm_session.h"

/* Delete sign-in sessions that have expired and counters of failed attempts that are quiet. */
static const wm_err *session_purge(wm_job_run *run)
{
    enum { BATCH = 1000 }; /* short locks, prompt stop */
    /* How long a session may be idle is the server's setting; what is past its end is past it
     * everywhere. */
    const wm_session_options ends_only = {.idle = run->now};
    apr_int64_t gone, sessions = 0, counters = 0;

    do {
        WM_TRY(wm_session_purge(&gone, run->db, &ends_only, BATCH, run->now, run->pool));
        sessions += gone;
    } while (gone == BATCH && !*run->stop);
    do {
        WM_TRY(wm_sign_in_purge(&gone, run->db, BATCH, run->now, run->pool));
        counters += gone;
    } while (gone == BATCH && !*run->stop);
    wm_job_note(run, "deleted %" APR_INT64_T_FMT " sessions and %" APR_INT64_T_FMT " counters",
                sessions, counters);
    return NULL;
}

const wm_job wm_job_session_purge = {
    .name = "session-purge",
    .summary = "delete expired sign-in sessions",
    .every = APR_TIME_C(600) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(60) * APR_USEC_PER_SEC,
    .tries = 3,
    .run = session_purge,
};
