/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens of clients that upload by PUT (wire protocol, section 9).  Only digests are kept. */
#ifndef WM_TOKEN_H
#define WM_TOKEN_H

#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

enum {
    WM_TOKEN_ROOM = 48, /* "wm_", 43 letters and the end */
    WM_TOKEN_MIN = 16,  /* characters of a token that an operator brings along */
    WM_TOKEN_MAX = 1024
};

typedef struct wm_token {
    apr_int64_t id;
    const char *name;
    apr_int64_t study; /* study.id that new sources get; 0: the default study */
} wm_token;

/* The text behind "Bearer " of an Authorization header, in POOL; NULL when HEADER (may be NULL)
 * has another scheme or a text that cannot be a token (RFC 6750, 2.1; the scheme in any case). */
const char *wm_token_bearer(const char *header, apr_pool_t *pool);

/* The token whose text is TEXT (NULL: none).  One statement, and a second, at most once a minute
 * for each token, that notes its use.  WM_E_AUTH when it is unknown, revoked or expired. */
const wm_err *wm_token_find(wm_token **token, wm_db *db, const char *text, apr_time_t now,
                            apr_pool_t *pool);

/* Make a token called NAME.  TEXT gets it, the only time that anybody sees it.  EXPIRES 0: never.
 * WM_E_CONFLICT when the name is in use. */
const wm_err *wm_token_add(char text[WM_TOKEN_ROOM], wm_db *db, const char *name, apr_int64_t study,
                           apr_time_t expires, apr_pool_t *pool);

/* Register TEXT, which clients have already, as a token called NAME.  WM_E_INPUT when it is
 * shorter than WM_TOKEN_MIN or no bearer token by RFC 6750. */
const wm_err *wm_token_register(wm_db *db, const char *name, const char *text, apr_int64_t study,
                                apr_time_t expires, apr_pool_t *pool);

/* WM_E_NOT_FOUND when no token that is still valid has this NAME. */
const wm_err *wm_token_revoke(wm_db *db, const char *name, apr_pool_t *pool);

#endif
