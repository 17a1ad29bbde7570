/* SPDX-License-Identifier: Apache-2.0 */
/* sign-in and sign-out: how a session begins and ends. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <sodium.h>

#include "../auth.h"
#include "../child.h"
#include "../config.h"
#include "../dbd.h"
#include "../handlers.h"
#include "../page.h"

enum { FORM_COOKIE_BYTES = 16 };

#define NO_TLS                                                                                \
    "Signing in needs an encrypted connection, because browsers drop the session's cookie "   \
    "otherwise. Use the address that begins with https:// (the administrator sets up TLS in " \
    "httpd), or an SSH tunnel to this server and then http://localhost in your browser."
#define WRONG "Name or password is wrong."

static const wm_err *form(wm_http *h, int status, const char *problem);

/* A random text that ties the form to this browser; kept when it has one, for its other tabs. */
static const char *form_cookie(wm_http *h)
{
    const char *old = wm_http_cookie(h->r, WM_COOKIE_FORM);
    unsigned char bytes[FORM_COOKIE_BYTES];
    char *text;

    if (old && strlen(old) == FORM_COOKIE_BYTES * 2 &&
        strspn(old, "0123456789abcdef") == FORM_COOKIE_BYTES * 2)
        return old;
    text = apr_palloc(h->r->pool, FORM_COOKIE_BYTES * 2 + 1);
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(text, FORM_COOKIE_BYTES * 2 + 1, bytes, sizeof bytes);
    wm_http_set_cookie(h->r, WM_COOKIE_FORM, text, WM_COOKIE_ATTRIBUTES);
    return text;
}

/* Where to go afterwards: what the form or the address says, when it is a path of ours. */
static const char *next_of(wm_http *h)
{
    const char *next = wm_http_field(h, "location");

    return wm_auth_local_path(next ? next : wm_http_arg(h, "next"));
}

static const wm_err *form(wm_http *h, int status, const char *problem)
{
    wm_page_query q;
    json_t *page;

    wm_page_query_begin(&q, h);
    q.account = NULL;
    WM_TRY(wm_auth_token(&q.csrf, h, form_cookie(h)));
    WM_TRY(wm_page_signin(&page, &q, apr_pstrcat(h->r->pool, h->mount, "/" WM_PATH_SIGN_IN, NULL),
                          problem, next_of(h), h->r->pool));
    return wm_page_reply(h, status, "signin", page, &q);
}

/* A page of words, without the form: whoever types a password here has lost it already. */
static const wm_err *form_refused(wm_http *h)
{
    wm_page_query q;
    json_t *page;

    wm_page_query_begin(&q, h);
    WM_TRY(wm_page_signin(&page, &q, NULL, NO_TLS, NULL, h->r->pool));
    return wm_page_reply(h, HTTP_FORBIDDEN, "signin", page, &q);
}

static const char *home(const wm_http *h)
{
    return apr_pstrcat(h->r->pool, h->mount, "/", NULL);
}

static const wm_err *elsewhere(const wm_http *h)
{
    return wm_auth_is_ours(h->r) ? NULL
                                 : wm_err_make(h->r->pool, WM_E_NOT_FOUND,
                                               "this location has another AuthType than webmunk");
}

/* The form with PROBLEM; whoever is signed in goes on. */
static const wm_err *form_unless_in(wm_http *h, int status, const char *problem)
{
    const char *next = next_of(h);
    const wm_who *who;
    const wm_err *err = wm_http_cookie(h->r, WM_COOKIE) ? wm_auth_who(&who, h->r) : NULL;

    if (!err && wm_auth_known(h->r))
        return wm_reply_redirect(h, next ? next : home(h));
    if (err && err->code != WM_E_AUTH)
        return err;
    return form(h, status, problem);
}

const wm_err *wm_h_sign_in_form(wm_http *h)
{
    WM_TRY(elsewhere(h));
    return wm_auth_can_sign_in(h->r) ? form_unless_in(h, HTTP_OK, NULL) : form_refused(h);
}

/* The second step, with bounded memory: argon2id takes 64 MiB each time. */
static const wm_err *check_password(wm_sign_in *sign_in, wm_http *h, const char *password)
{
    struct wm_gate *gate = wm_server_child(h->r->server)->passwords;
    const wm_err *err;

    WM_TRY(wm_gate_enter(gate, h->r->pool));
    err = wm_sign_in_check(sign_in, password, h->r->pool);
    wm_gate_leave(gate, 0);
    return err;
}

/* A failed attempt is a row of the access log too; the name is not, people type passwords there. */
static void note_failure(wm_http *h, const wm_err *why)
{
    wm_audit row = wm_auth_audit(h, "sign-in");
    const wm_err *err;
    wm_db *db;

    row.account = NULL;
    row.via = WM_VIA_NONE;
    row.result = why->code == WM_E_RATE ? "refused" : "failed";
    err = wm_http_db(&db, h);
    if (!err)
        err = wm_audit_add(NULL, db, &row, h->r->pool);
    if (err)
        wm_log_write(&h->log, WM_LOG_ERROR, "WM0210 a failed sign-in is not in the access log: %s",
                     wm_err_text(err, h->r->pool));
    wm_log_write(&h->log, WM_LOG_INFO, "WM0211 sign-in from %s: %s", h->r->useragent_ip,
                 wm_err_text(why, h->r->pool));
}

/* The session, its row in the access log and its cookie.  A session that the browser had ends. */
static const wm_err *begin_session(wm_http *h, wm_db *db, wm_sign_in *sign_in)
{
    const char *old = wm_http_cookie(h->r, WM_COOKIE);
    const char *agent = wm_http_header(h, "User-Agent");
    apr_pool_t *pool = h->r->pool;
    apr_time_t now = apr_time_now();
    char key[WM_SESSION_KEY_ROOM];
    wm_account *account;
    wm_audit row;

    WM_TRY(wm_sign_in_finish(&account, sign_in, db, now, pool));
    row = wm_auth_audit(h, "sign-in");
    row.account = account->name;
    row.via = WM_VIA_SESSION;
    WM_TRY(wm_audit_add(NULL, db, &row, pool));
    if (old)
        WM_TRY(wm_session_end(db, old, pool));
    WM_TRY(wm_session_start(key, db, account->id, h->r->useragent_ip, agent, NULL, now, pool));
    wm_http_set_cookie(h->r, WM_COOKIE, apr_pstrdup(pool, key), WM_COOKIE_ATTRIBUTES);
    wm_http_set_cookie(h->r, WM_COOKIE_NOTICE,
                       apr_psprintf(pool, "%" APR_INT64_T_FMT, apr_time_sec(account->last_sign_in)),
                       WM_COOKIE_ATTRIBUTES "; Max-Age=60");
    wm_http_set_cookie(h->r, WM_COOKIE_FORM, "", WM_COOKIE_GONE);
    wm_log_write(&h->log, WM_LOG_INFO, "WM0212 %s signed in from %s", account->name,
                 h->r->useragent_ip);
    return NULL;
}

/* Three steps, so that no connection is held while argon2id works. */
static const wm_err *sign_in(wm_http *h, int *retry_after)
{
    const char *name = wm_http_field(h, "user"), *password = wm_http_field(h, "password");
    apr_pool_t *pool = h->r->pool;
    wm_sign_in *attempt;
    const wm_err *err;
    wm_db *db;

    *retry_after = 0;
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_sign_in_begin(&attempt, retry_after, db, name ? name : "", h->r->useragent_ip,
                            apr_time_now(), pool));
    wm_http_db_done(h);
    WM_TRY(check_password(attempt, h, password ? password : ""));
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_db_begin(db, pool));
    err = begin_session(h, db, attempt);
    return err ? err : wm_db_commit(db, pool);
}

static const wm_err *wait_and_see(wm_http *h, int retry_after)
{
    const char *seconds = apr_itoa(h->r->pool, retry_after);

    wm_http_set(h, "Retry-After", seconds);
    return form(h, 429,
                apr_psprintf(h->r->pool, "Too many attempts. Try again in %s second%s.", seconds,
                             retry_after == 1 ? "" : "s"));
}

/* Sign in by name and password.  Wrong names, wrong passwords and disabled accounts look the same. */
const wm_err *wm_h_sign_in(wm_http *h)
{
    const char *next = next_of(h);
    const wm_err *err;
    int retry_after;

    WM_TRY(elsewhere(h));
    if (!wm_auth_can_sign_in(h->r))
        return form_refused(h);
    if (h->stale_form)
        return form_unless_in(h, HTTP_FORBIDDEN, h->stale_form);
    err = sign_in(h, &retry_after);
    if (!err)
        return wm_reply_redirect(h, next ? next : home(h));
    /* A transaction that failed half way must not carry the row that says so. */
    wm_http_db_done(h);
    apr_table_unset(h->r->err_headers_out, "Set-Cookie");
    if (err->code != WM_E_AUTH && err->code != WM_E_RATE)
        return err;
    note_failure(h, err);
    return err->code == WM_E_RATE ? wait_and_see(h, retry_after)
                                  : form(h, HTTP_UNAUTHORIZED, WRONG);
}

/* End the session and forget the cookie; a sign-in that is not ours ends where it began. */
const wm_err *wm_h_sign_out(wm_http *h)
{
    const wm_who *who = wm_auth_known(h->r);
    const char *next = wm_auth_sign_out_path(h);
    wm_audit row = wm_auth_audit(h, "sign-out");
    wm_db *db;

    if (!next)
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND,
                           "the sign-in is not ours and WEBMUNK_SIGN_OUT is not set");
    WM_TRY(wm_http_db(&db, h));
    if (who->session)
        WM_TRY(wm_session_end(db, wm_http_cookie(h->r, WM_COOKIE), h->r->pool));
    WM_TRY(wm_audit_add(NULL, db, &row, h->r->pool));
    wm_http_set_cookie(h->r, WM_COOKIE, "", WM_COOKIE_GONE);
    return wm_reply_redirect(h, next);
}

/* Where the authorization provider leads those whom it refused, internally: the words for them. */
const wm_err *wm_h_refused(wm_http *h)
{
    return wm_err_make(h->r->pool, h->r->prev ? WM_E_FORBIDDEN : WM_E_NOT_FOUND,
                       h->r->prev ? "the role that the configuration requires is missing"
                                  : "nobody was refused");
}
