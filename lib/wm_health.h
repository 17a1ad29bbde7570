/* SPDX-License-Identifier: Apache-2.0 */
/* How the server is: facts from the database and the file systems, judged by limits.  The job
 * "health" keeps a sample a minute; pages, monitors and "webmunkd health" read and say the same.
 * Nothing in it is about a participant. */
#ifndef WM_HEALTH_H
#define WM_HEALTH_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <jansson.h>

#include "wm_buf.h"
#include "wm_err.h"

struct wm_db;

/* From what on it is worth a warning, and critical. */
typedef struct wm_health_limit {
    apr_int64_t warning, critical;
} wm_health_limit;

typedef struct wm_health_limits {
    wm_health_limit jobs;         /* microseconds that a due job waits */
    wm_health_limit exports;      /* ... an export */
    wm_health_limit rollups;      /* microseconds that the numbers of pages are old */
    wm_health_limit transactions; /* ... a transaction is open */
    wm_health_limit silence;      /* ... nothing arrived; 0: whatever */
    wm_health_limit forward;      /* ... a point waits to be forwarded */
    wm_health_limit quarantine;   /* pieces in 24 hours */
    wm_health_limit connections;  /* percent of max_connections */
    wm_health_limit disk;         /* percent free, at most */
    wm_health_limit archives;     /* closed days without an archive */
} wm_health_limits;

enum { WM_HEALTH_OK, WM_HEALTH_WARNING, WM_HEALTH_CRITICAL, WM_HEALTH_STATES };

/* "ok", "warning", "critical". */
const char *wm_health_word(int state);
/* The state that TEXT is; WM_HEALTH_CRITICAL for any other. */
int wm_health_state(const char *text);

/* What the database says of itself at NOW. */
const wm_err *wm_health_ask(json_t **facts, struct wm_db *db, apr_time_t now, apr_pool_t *pool);

/* Add the file systems of FOLDERS (of const char *) to FACTS: {"path", "bytes", "free"}; the free bytes
 * are -1 where that cannot be known. */
void wm_health_folders(json_t *facts, const apr_array_header_t *folders);

/* {"state", "checks": [{"name", "label", "state", "words"}]}: each check says what is wrong and what to
 * do about it. */
json_t *wm_health_judge(const json_t *facts, const wm_health_limits *limits, apr_pool_t *pool);

/* Keep a sample. */
const wm_err *wm_health_keep(struct wm_db *db, const json_t *facts, const json_t *verdict,
                             apr_time_t now, apr_pool_t *pool);

/* The newest sample, {"state", "at", "age", "facts", "checks"}, with a check of its age in front: an old
 * one means that no runner works.  Without any sample facts are missing. */
const wm_err *wm_health_newest(json_t **health, struct wm_db *db, apr_time_t now, apr_pool_t *pool);

/* Put the check of the runner in front of VERDICT's, by AGE in seconds of the newest sample (negative:
 * there is none). */
void wm_health_add_runner(json_t *verdict, apr_int64_t age, apr_pool_t *pool);

/* {"errors": [names], "warnings": [names]} of schedules, and of the runner, in HEALTH. */
json_t *wm_health_jobs(const json_t *health, apr_pool_t *pool);

/* {"issues": ["webmunk: label: words"]}: the other checks of HEALTH that are not well. */
json_t *wm_health_issues(const json_t *health, apr_pool_t *pool);

/* HEALTH as Prometheus reads it (text exposition format 0.0.4), appended to TEXT. */
const wm_err *wm_health_prometheus(wm_buf *text, const json_t *health, apr_pool_t *pool);

#endif
