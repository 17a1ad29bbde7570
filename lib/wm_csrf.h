/* SPDX-License-Identifier: Apache-2.0 */
/* Form tokens: HMAC-SHA-256 over user, session and day by the server's secret.  They need no
 * storage and stay valid over midnight: today's and yesterday's are accepted (UTC days). */
#ifndef WM_CSRF_H
#define WM_CSRF_H

#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

enum {
    WM_SECRET_SIZE = 32,
    WM_CSRF_ROOM = 44 /* 43 letters of base64url and the end */
};

typedef struct wm_csrf_secret {
    unsigned char bytes[WM_SECRET_SIZE];
} wm_csrf_secret;

/* The token for a form shown to USER in SESSION (wm_session's handle; for the sign-in form, where
 * nobody is signed in yet, the value of its own cookie). */
void wm_csrf_make(char token[WM_CSRF_ROOM], const wm_csrf_secret *secret, const char *user,
                  const char *session, apr_time_t now);

/* Nonzero when TOKEN (may be NULL) was made by this secret for USER and SESSION today or yesterday.
 * Takes the same time whether it fits or not. */
int wm_csrf_check(const wm_csrf_secret *secret, const char *user, const char *session,
                  const char *token, apr_time_t now);

/* The secret from a file of 32 bytes or of 64 hex digits (WebmunkSecretFile). */
const wm_err *wm_csrf_secret_file(wm_csrf_secret *secret, const char *path, apr_pool_t *pool);

/* The secret from webmunk.server_secret, where "webmunkd migrate" has put it. */
const wm_err *wm_csrf_secret_db(wm_csrf_secret *secret, wm_db *db, apr_pool_t *pool);

#endif
