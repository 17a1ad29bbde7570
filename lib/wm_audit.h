/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: who saw, changed, exported or erased what.  Append-only and chained: each row has
 * the hash of the one before it (dashboard specification, 11.12).  Ids and counts only, never
 * contents, tokens or passwords. */
#ifndef WM_AUDIT_H
#define WM_AUDIT_H

#include <jansson.h>

#include "wm_db.h"
#include "wm_err.h"

/* How somebody acted: constant, word in access_log.via. */
#define WM_VIAS(X)                                                      \
    X(WM_VIA_NONE, "none") /* nobody was signed in: a failed sign-in */ \
    X(WM_VIA_SESSION, "session")                                        \
    X(WM_VIA_TOKEN, "token")                                            \
    X(WM_VIA_JOB, "job")                                                \
    X(WM_VIA_COMMAND, "command") /* webmunkd on the command line */     \
    X(WM_VIA_PROXY, "proxy")     /* httpd signed them in otherwise, mod_auth_openidc */

typedef enum {
#define X(name, word) name,
    WM_VIAS(X)
#undef X
        WM_VIA_COUNT
} wm_via;

enum { WM_PURPOSE_MAX = 2000 }; /* bytes of what people say why */

typedef struct wm_audit {
    const char *account; /* name; NULL: nobody known.  A failed sign-in has NULL, because people
                                   type passwords into the wrong field */
    wm_via via;
    const char *action;         /* "sign-in", "page", "export", ... */
    const char *object;         /* what was acted on, "participants", "source:17"; may be NULL */
    json_t *extent;             /* {"participants": 20, "rows": 65}; borrowed, may be NULL */
    const apr_int64_t *sources; /* ids of the participants whose data were shown */
    int source_count;
    const char *purpose;    /* may be NULL */
    const char *result;     /* "ok", "refused", "failed"; NULL is "ok" */
    const char *address;    /* may be NULL */
    const char *request_id; /* may be NULL */
} wm_audit;

/* What TEXT, which may be NULL, says why: without blanks in front; NULL when it says nothing. */
const char *wm_audit_purpose(const char *text);

/* Append one row; *ID (may be NULL) gets its number.  Serialises with other appenders until the
 * transaction ends: call it last, or outside a transaction. */
const wm_err *wm_audit_add(apr_int64_t *id, wm_db *db, const wm_audit *entry, apr_pool_t *pool);

/* Is what ENTRY would say (by its account, action and sources) said by a row that is no older than
 * SECONDS and has VIEW in its extent?  Then a page that reloads itself needs no other row. */
const wm_err *wm_audit_covered(int *covered, wm_db *db, const wm_audit *entry, const char *view,
                               apr_int64_t seconds, apr_pool_t *pool);

/* Recompute the chain.  *BAD is the number of the first row that does not fit, 0 when all do. */
const wm_err *wm_audit_verify(apr_int64_t *bad, wm_db *db, apr_pool_t *pool);

#endif
