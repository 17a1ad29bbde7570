/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking: AuthType webmunk (check_authn), Require webmunk-role (authorization provider), and
 * the one place that checks where an unsafe request behind a cookie came from.  Identity is r->user,
 * whoever set it; never a request header (architecture, section 9; traps T4, T12, T27-T29). */
#ifndef WM_AUTH_H
#define WM_AUTH_H

#include <apr_pools.h>
#include <httpd.h>

#include "wm_account.h"
#include "wm_audit.h"
#include "wm_csrf.h"
#include "wm_err.h"
#include "wm_session.h"

#include "http.h"

#define WM_COOKIE      "__Host-webmunk"
#define WM_COOKIE_FORM "__Host-webmunk-form" /* ties the sign-in form to a browser */
#define WM_COOKIE_NOTICE \
    "__Host-webmunk-notice" /* when the sign-in before was, until a page says so */
#define WM_COOKIE_ATTRIBUTES "Path=/; Secure; HttpOnly; SameSite=Lax"
#define WM_COOKIE_GONE       WM_COOKIE_ATTRIBUTES "; Max-Age=0"

#define WM_FIELD_TOKEN  "csrf" /* the form token's field; requests by script may send a header */
#define WM_HEADER_TOKEN "X-Webmunk-Token"

#define WM_PATH_SIGN_IN  "sign-in" /* below the mount */
#define WM_PATH_SIGN_OUT "sign-out"
#define WM_PATH_REFUSED  "refused" /* where httpd's own refusals are put into words */

typedef struct wm_who {
    const char *name;          /* r->user */
    const wm_account *account; /* with its grants; NULL: nobody of this name has an account here */
    const wm_session *session; /* NULL: httpd signed them in otherwise, mod_auth_openidc */
} wm_who;

/* Hooks and the provider "webmunk-role". */
void wm_auth_register(apr_pool_t *pool);

/* Nonzero when the location has AuthType webmunk. */
int wm_auth_is_ours(request_rec *r);

/* Who R is from, looked up once per request; borrows a connection for that time only, so it must
 * not be called while h->loan is held.  WM_E_AUTH when nobody is signed in; the database's errors.
 * *WHO lives in r->pool. */
const wm_err *wm_auth_who(const wm_who **who, request_rec *r);

/* What was found before, without asking anybody; NULL when nobody is signed in. */
const wm_who *wm_auth_known(request_rec *r);

/* Before the handler of H's route: that somebody with an account is signed in where the route wants
 * one; that an unsafe request to a page comes from a page of ours, by Sec-Fetch-Site or Origin and
 * by the form token.  The form has been read then.  A sign-in form that is ours, but too old, has
 * h->stale_form, because its handler shows it again.  WM_E_AUTH, WM_E_FORBIDDEN, and the form's. */
const wm_err *wm_auth_admit(wm_http *h);

/* Nonzero when R is from a page that reloads a part of itself, or fetches the numbers of its plots:
 * nobody need sit there.  A hint: any client can send the same headers. */
int wm_auth_is_unattended(request_rec *r);

/* WM_E_FORBIDDEN unless who is signed in has RIGHT in STUDY (study.id, WM_ANY_STUDY ...). */
const wm_err *wm_auth_may(wm_http *h, wm_right right, apr_int64_t study);

/* The token for forms of the page that answers H, in r->pool; for the sign-in form that of the
 * form cookie FORM_COOKIE (else NULL).  Asks the database for the secret at the first call of a
 * process. */
const wm_err *wm_auth_token(const char **token, wm_http *h, const char *form_cookie);

/* The same without asking anybody; NULL when nobody is signed in or the secret is not known yet. */
const char *wm_auth_token_known(wm_http *h);

/* Nonzero when browsers keep our cookie: over TLS, or when the host's name is that of the browser's
 * own machine (checked with Chromium: localhost, names below it, 127.0.0.0/8). */
int wm_auth_can_sign_in(request_rec *r);

/* TEXT when it is a path of this host to go to after signing in, else NULL.  Anything that a browser
 * could read as another host is refused (T28). */
const char *wm_auth_local_path(const char *text);

/* The sign-in page's address that leads back to what R asked for. */
const char *wm_auth_sign_in_path(const wm_http *h);

/* Where signing out leads: to the sign-in page, or, when httpd signed them in otherwise, to what the
 * environment variable WEBMUNK_SIGN_OUT names (SetEnv in the location); NULL without it. */
const char *wm_auth_sign_out_path(const wm_http *h);

/* A sentence that says whom to ask for access, in r->pool. */
const char *wm_auth_whom_to_ask(request_rec *r);

/* A row of the access log with what H's request says about itself filled in; the caller adds object
 * and extent. */
wm_audit wm_auth_audit(wm_http *h, const char *action);

#endif
