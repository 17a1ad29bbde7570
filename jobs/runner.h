/* SPDX-License-Identifier: Apache-2.0 */
/* What job.c and the runner share; jobs themselves need job.h alone. */
#ifndef WM_RUNNER_H
#define WM_RUNNER_H

#include <sys/types.h>

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

/* How hard a run is asked to end; each is followed by the next when it does not. */
typedef enum {
    WM_PRESS_NONE,
    WM_PRESS_ASK,    /* TERM: *run->stop */
    WM_PRESS_CANCEL, /* INT: the statement under way as well */
    WM_PRESS_END,    /* TERM again: it dies */
    WM_PRESS_KILL
} wm_press;

/* A claimed job and its process. */
typedef struct wm_child {
    pid_t pid; /* 0: a free place */
    int ended; /* reaped; what became of it is not written yet */
    int status;
    const wm_job *job;
    apr_int64_t id, run_id, study, tries;
    const char *what, *params, *cursor; /* JSON; cursor may be NULL */
    apr_time_t deadline;
    wm_press press;
    apr_time_t pressed;
    int asked, late, lost; /* why: somebody wants it; its deadline passed; another has the job */
    apr_pool_t *pool;
} wm_child;

enum { WM_SLOTS_MAX = 64 };

typedef struct wm_runner {
    const char *conninfo;
    const wm_log *log;
    apr_interval_time_t lease, poll;
    apr_interval_time_t grace;    /* from asking a run to end to cancelling its statement */
    apr_interval_time_t patience; /* from there to TERM, and to KILL */
    int slots;                    /* at most WM_SLOTS_MAX */
    /* HUP: change what is above, or say why not and leave it; may be NULL. */
    void (*reload)(struct wm_runner *runner);
    void *host; /* of reload */

    /* The rest is the runner's own. */
    apr_pool_t *pool, *db_pool, *scratch;
    wm_db *db; /* NULL: away */
    pid_t pid;
    const char *worker; /* host:pid */
    const char *kinds;  /* the jobs it has, as the statements take them */
    wm_child children[WM_SLOTS_MAX];
    apr_time_t polled, renewed, ask_again;
    int failures; /* to connect, in a row */
    int stopping, hurry, wake;
} wm_runner;

/* Run jobs until a signal ends it: TERM and INT let runs end soon, the second time sooner; HUP
 * calls reload, connects anew and looks at schedules.  The members up to host are the caller's;
 * errors are those of the beginning, of a database that does not know jobs. */
const wm_err *wm_runner_loop(wm_runner *runner);

/* runner_db.c: what the runner asks the database. */
const wm_err *wm_runner_begin(wm_runner *runner, apr_pool_t *pool);
const wm_err *wm_runner_connect(wm_runner *runner);
void wm_runner_disconnect(wm_runner *runner);
const wm_err *wm_runner_sync(wm_runner *runner);
const wm_err *wm_runner_tick(wm_runner *runner);
/* Fill free places of CHILDREN with claimed jobs; they have no process yet.  *COUNT of them. */
const wm_err *wm_runner_claim(int *count, wm_child *claimed[WM_SLOTS_MAX], wm_runner *runner);
/* Renew leases, learn which runs were lost and which are to end. */
const wm_err *wm_runner_renew(wm_runner *runner);
/* What became of a run whose process did not write that itself. */
const wm_err *wm_runner_record(wm_runner *runner, const wm_child *child);
/* What a job's state is after a failure, "retry" or "failed", and when it is tried again. */
const char *wm_runner_after(apr_interval_time_t *delay, const wm_job *job, apr_int64_t tries,
                            const wm_err *err);

/* runner_child.c: exit status of the process of a run. */
enum { WM_CHILD_RECORDED = 0, WM_CHILD_FAILED = 1, WM_CHILD_STOPPED = 3 };
/* The process of a run, after the fork; never returns. */
void wm_child_main(const wm_runner *runner, const wm_child *child) __attribute__((noreturn));

/* notify.c: tell the service manager, if one listens. */
void wm_notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The clock of its messages, in microseconds. */
apr_int64_t wm_notify_clock(void);
/* How often it wants to hear from this process; 0: it does not. */
apr_interval_time_t wm_notify_watchdog(void);

#endif
