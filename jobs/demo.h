/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated study for `webmunkd demo`: who takes part, when they upload, and what.  Everything
 * follows from the seed and from when the study began. */
#ifndef WM_DEMO_H
#define WM_DEMO_H

#include <apr_time.h>

#include "wm_buf.h"
#include "wm_err.h"

typedef struct wm_demo_study {
    apr_uint64_t seed;
    int participants, days;
    apr_time_t start; /* the first person joins */
} wm_demo_study;

/* What becomes of a participant: word, how many of a thousand. */
#define WM_DEMO_FATES(X) \
    X(LATE, 55)          \
    X(SILENT, 25)        \
    X(NEVER_STARTED, 10) \
    X(INVITED, 15)       \
    X(PARTIAL, 15)       \
    X(CLOCK_AHEAD, 20)   \
    X(PAUSED, 10)        \
    X(WITHDRAWN, 5)      \
    X(COMPLETED, 10)     \
    X(UNASSIGNED, 15)    \
    X(BROKEN_CLIENT, 10) \
    X(SENDS_TWICE, 30)   \
    X(ACTIVE, 780)

typedef enum {
#define X(name, share) WM_DEMO_##name,
    WM_DEMO_FATES(X)
#undef X
} wm_demo_fate;

typedef struct wm_demo_person {
    int number;
    wm_demo_fate fate;
    char identifier[32];
    char name[32];
    int group; /* 1 to 3; 0: none */
    const char *zone;
    int hours; /* of the zone's clock before UTC's */
    int android;
    const char *agent, *agent_before; /* the client's; agent_before until UPDATED */
    const char *browser;              /* HTTP User-Agent */
    apr_time_t updated;
    double eager;            /* how much more than others */
    apr_time_t added, stops; /* nothing is sent from STOPS on */
} wm_demo_person;

/* One upload: who, which of theirs, when. */
typedef struct wm_demo_upload {
    apr_time_t when, before; /* the upload before this one, or when the person joined */
    int person, number;
} wm_demo_upload;

enum { WM_DEMO_UPLOADS_A_DAY = 8 };

/* From 0 to below 1, always the same for the same study and numbers. */
double wm_demo_chance(const wm_demo_study *study, int a, int b, int c);

void wm_demo_person_make(wm_demo_person *person, const wm_demo_study *study, int number,
                         apr_pool_t *pool);

/* Upload NUMBER of PERSON, or 0 when there is none: before they began, after they stopped, skipped. */
int wm_demo_upload_make(wm_demo_upload *upload, const wm_demo_study *study,
                        const wm_demo_person *person, int number);

/* Append the request body of UPLOAD to OUT, as the client sends it. */
const wm_err *wm_demo_body(wm_buf *out, const wm_demo_study *study, const wm_demo_person *person,
                           const wm_demo_upload *upload, apr_pool_t *scratch_pool);

/* POST BODY to the http address URL; WM_E_BUSY when nobody answers, WM_E_SYSTEM when the answer is
 * not 201. */
const wm_err *wm_demo_post(const char *url, const char *user_agent, const wm_buf *body,
                           apr_pool_t *scratch_pool);

#endif
