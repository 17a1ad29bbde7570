/* SPDX-License-Identifier: Apache-2.0 */
/* The error value: a code, a reason in words, and what caused it.  NULL is success. */
#ifndef WM_ERR_H
#define WM_ERR_H

#include <apr_errno.h>
#include <apr_pools.h>

/* One row per kind of failure: name, HTTP status, sentence that a client may see. */
#define WM_ERRORS(X)                                                                          \
    X(WM_E_INPUT, 400, "The request could not be understood.")                                \
    X(WM_E_AUTH, 401, "Sign in to use this address.")                                         \
    X(WM_E_FORBIDDEN, 403, "Your account may not do this.")                                   \
    X(WM_E_SENSITIVE, 403, "Your account may not see sensitive fields here.")                 \
    X(WM_E_NOT_FOUND, 404, "There is nothing at this address.")                               \
    X(WM_E_METHOD, 405, "This address does not answer that method.")                          \
    X(WM_E_TIMEOUT, 408, "The request arrived too slowly.")                                   \
    X(WM_E_CONFLICT, 409, "Somebody changed this meanwhile. Reload and try again.")           \
    X(WM_E_GONE, 410, "What was here has expired.")                                           \
    X(WM_E_LIMIT, 413, "The request is larger than this server accepts.")                     \
    X(WM_E_TYPE, 415, "This content type is not accepted here.")                              \
    X(WM_E_RATE, 429, "Too many attempts. Wait a little and try again.")                      \
    X(WM_E_SYSTEM, 500, "Something failed on the server. The operator's log has the reason.") \
    X(WM_E_BUSY, 503, "The server cannot do this now. Try again in a moment.")                \
    X(WM_E_SLOW, 503, "This took too long and was stopped. Try again with a smaller range.")

typedef enum {
#define X(name, status, text) name,
    WM_ERRORS(X)
#undef X
        WM_E_COUNT
} wm_err_code;

typedef struct wm_err wm_err;
struct wm_err {
    wm_err_code code;
    const char *why;     /* for the log and for operators; never shown to anonymous clients */
    const wm_err *cause; /* what made it happen, or NULL */
    char sqlstate[6];    /* of the database, "" when it was not the database */
};

/* Return from the calling function when EXPR fails. */
#define WM_TRY(expr)                       \
    do {                                   \
        const wm_err *wm_try_err = (expr); \
        if (wm_try_err)                    \
            return wm_try_err;             \
    } while (0)

/* A new error in POOL. */
const wm_err *wm_err_make(apr_pool_t *pool, wm_err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A new error in POOL from an APR status; "no space" and the like keep WM_E_SYSTEM. */
const wm_err *wm_err_apr(apr_pool_t *pool, apr_status_t status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* CAUSE with what was being attempted put in front; the code and SQLSTATE stay. */
const wm_err *wm_err_wrap(apr_pool_t *pool, const wm_err *cause, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The chain as one line, outermost first, in POOL. */
const char *wm_err_text(const wm_err *err, apr_pool_t *pool);

/* HTTP status of CODE. */
int wm_err_status(wm_err_code code);

/* The sentence that a client may see. */
const char *wm_err_public(wm_err_code code);

#endif
