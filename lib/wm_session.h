/* SPDX-License-Identifier: Apache-2.0 */
/* Server-side sessions.  The cookie has 32 random bytes in base64url; the database has only their
 * digest, so a copy of the database opens no session. */
#ifndef WM_SESSION_H
#define WM_SESSION_H

#include <apr_time.h>

#include "wm_account.h"
#include "wm_db.h"
#include "wm_err.h"

enum { WM_SESSION_KEY_ROOM = 44 }; /* 43 letters and the end */

typedef struct wm_session_options {
    apr_interval_time_t idle;     /* 0: 8 hours without a request */
    apr_interval_time_t absolute; /* 0: 7 days after signing in */
    int unattended; /* nonzero: a page asks by itself, nobody sits there; does not count as use */
} wm_session_options;

typedef struct wm_session {
    apr_int64_t id;
    wm_account *account;
    apr_time_t created;
    apr_time_t last_used; /* by the minute */
    apr_time_t expires;   /* at the latest */
    const char *address;  /* of the sign-in; NULL when unknown */
    const char *user_agent;
    /* A text that stands for the session in form tokens (wm_csrf) and may be logged: part of the
     * digest, in hex.  It opens nothing. */
    const char *handle;
} wm_session;

/* Make a session for ACCOUNT_ID; KEY is the cookie's value and exists nowhere else.  OPTIONS,
 * ADDRESS and USER_AGENT may be NULL. */
const wm_err *wm_session_start(char key[WM_SESSION_KEY_ROOM], wm_db *db, apr_int64_t account_id,
                               const char *address, const char *user_agent,
                               const wm_session_options *options, apr_time_t now, apr_pool_t *pool);

/* The session that KEY (may be anything a client sent) opens, with account, roles and grants, by
 * one statement; a second notes the use, at most once a minute.  *SESSION is NULL when there is
 * none, it has expired, or the account is disabled. */
const wm_err *wm_session_find(wm_session **session, wm_db *db, const char *key,
                              const wm_session_options *options, apr_time_t now, apr_pool_t *pool);

/* End the session that KEY opens; success when there is none. */
const wm_err *wm_session_end(wm_db *db, const char *key, apr_pool_t *pool);

/* End session ID of ACCOUNT_ID (the account's own page); WM_E_NOT_FOUND when it is not theirs. */
const wm_err *wm_session_end_id(wm_db *db, apr_int64_t account_id, apr_int64_t id,
                                apr_pool_t *pool);

/* End all sessions of ACCOUNT_ID but the one numbered EXCEPT (0: none); *ENDED may be NULL. */
const wm_err *wm_session_end_all(apr_int64_t *ended, wm_db *db, apr_int64_t account_id,
                                 apr_int64_t except, apr_pool_t *pool);

/* Delete at most LIMIT sessions that have expired.  wm_session_start does so too, so that the table
 * stays small without a job. */
const wm_err *wm_session_purge(apr_int64_t *gone, wm_db *db, const wm_session_options *options,
                               apr_int64_t limit, apr_time_t now, apr_pool_t *pool);

#endif
