/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of webmunkd.  A new one is a row of WM_JOBS and a file job_NAME.c that defines wm_job_NAME;
 * claiming, leases, retries, deadlines and history come from its declaration.
 *
 * A job may be killed anywhere and run again: what it has done is in the database, and running it
 * twice does no harm.  Each run is a process of its own with a connection of its own. */
#ifndef WM_JOB_H
#define WM_JOB_H

#include <signal.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

struct json_t;
struct wm_job_state;

typedef struct wm_job_run {
    wm_db *db;            /* idle, of role wm_jobs */
    const char *conninfo; /* for a second connection, of a reader or a pipeline */
    apr_pool_t *pool;     /* of this run */
    const wm_log *log;
    apr_int64_t id;                    /* of the job; 0 when it was called by hand without a row */
    apr_int64_t study;                 /* 0: of the whole server */
    const char *what;                  /* job.what */
    struct json_t *params;             /* an object */
    struct json_t *cursor;             /* where an earlier run stopped, or NULL */
    apr_time_t now;                    /* when the run began */
    const volatile sig_atomic_t *stop; /* nonzero: end soon, keeping what is done */
    int show;                          /* progress goes to the terminal as well */
    struct wm_job_state *state;        /* job.c's own */
} wm_job_run;

typedef struct wm_job {
    const char *name; /* "session-purge" */
    const char *summary;
    /* Its built-in schedule: every so often, or none. */
    apr_interval_time_t every;
    const char *(*daily_at)(void); /* ... or once a day at this time, of the settings: "08:00" */
    apr_interval_time_t deadline;  /* one run takes no longer; 0: an hour */
    int tries;                     /* then it has failed; 0: five */
    int parallel;                  /* so many of this name at once; 0: one */
    const wm_err *(*run)(wm_job_run *run);
} wm_job;

/* One row per job, sorted: name of the variable behind wm_job_. */
/* clang-format off */
#define WM_JOBS(X) \
    X(access_log_head) \
    X(alert_digest) \
    X(arrival_fold) \
    X(body_purge) \
    X(deliver) \
    X(destination_test) \
    X(export) \
    X(export_nightly) \
    X(export_purge) \
    X(forward) \
    X(health) \
    X(mail) \
    X(partitions) \
    X(session_purge) \
    X(source_merge) \
    X(status_checks)
/* clang-format on */

#define X(name) extern const wm_job wm_job_##name;
WM_JOBS(X)
#undef X

/* All of them, ended by NULL. */
extern const wm_job *const wm_jobs[];

/* The job called NAME, or NULL. */
const wm_job *wm_job_find(const char *name);

/* What the run has done, in words for the history; replaces what was noted before. */
void wm_job_note(wm_job_run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How far it is: DONE of TOTAL (0: unknown) UNIT ("rows"), with a NOTE or NULL.  Written to the job's
 * row at most once a second, and drawn when run->show. */
const wm_err *wm_job_progress(wm_job_run *run, apr_int64_t done, apr_int64_t total,
                              const char *unit, const char *note);

/* Remember where to go on.  In the caller's transaction when one is open, so that it is kept exactly
 * when the work is. */
const wm_err *wm_job_cursor(wm_job_run *run, struct json_t *cursor);

/* Add a job, unless one of this NAME and WHAT waits or runs already; *ID is its number either way.
 * PARAMS may be NULL.  DELAY from now. */
const wm_err *wm_job_add(apr_int64_t *id, wm_db *db, const char *name, const char *what,
                         apr_int64_t study, const struct json_t *params, apr_interval_time_t delay,
                         apr_pool_t *pool);

#endif
