/* SPDX-License-Identifier: Apache-2.0 */
/* Recognising who is asking, as httpd's authentication phase wants it. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "accept.h"
#include "auth.h"
#include "auth_role.h"
#include "dbd.h"
#include "mount.h"

APLOG_USE_MODULE(webmunk);

#define AUTH_TYPE "webmunk"
#define WHO_KEY   "webmunk-who"

int wm_auth_is_ours(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !strcasecmp(type, AUTH_TYPE);
}

/* The sign-in page, its form, style sheets: what the route table gives to everybody. */
static int is_public(request_rec *r)
{
    const wm_http *h = wm_mount_claim(r);

    return h && h->route && h->route->auth == WM_AUTH_NONE;
}

const wm_who *wm_auth_known(request_rec *r)
{
    void *data = NULL;
    const wm_who *who;

    apr_pool_userdata_get(&data, WHO_KEY, r->pool);
    who = data;
    /* An internal redirect shares the pool, and may lead to a location with another sign-in. */
    return who && r->user && !strcmp(who->name, r->user) ? who : NULL;
}

static void remember(request_rec *r, const wm_who *who)
{
    apr_pool_userdata_setn(who, WHO_KEY, NULL, r->pool);
}

int wm_auth_is_unattended(request_rec *r)
{
    const char *part = apr_table_get(r->headers_in, "HX-Trigger");
    const char *dest = apr_table_get(r->headers_in, "Sec-Fetch-Dest");

    if (apr_table_get(r->headers_in, "HX-Request"))
        return part && !strcmp(part, "live");
    return dest && !strcmp(dest, "empty");
}

/* The session of the cookie, or the account that httpd's other sign-in named.  One statement. */
static const wm_err *look_up(wm_who *who, request_rec *r, const char *key)
{
    /* An open page does not keep a session from ending. */
    wm_session_options options = {.unattended = wm_auth_is_unattended(r)};
    wm_http *h = wm_mount_claim(r);
    wm_session *session = NULL;
    wm_account *account = NULL;
    const wm_err *err;
    wm_loan *loan;

    WM_TRY(wm_dbd_borrow(&loan, r, h ? &h->log : NULL));
    if (key)
        err = wm_session_find(&session, loan->db, key, &options, apr_time_now(), r->pool);
    else
        err = wm_account_find(&account, loan->db, r->user, r->pool);
    wm_dbd_return(loan);
    if (err)
        return wm_err_wrap(r->pool, err, "finding out who is asking");
    if (key && !session)
        return wm_err_make(r->pool, WM_E_AUTH, "the session has ended");
    who->session = session;
    who->account = session ? session->account : account;
    who->name = session ? session->account->name : r->user;
    return NULL;
}

/* What logs and other modules may see. */
static void publish(request_rec *r, const wm_who *who)
{
    if (who->session) {
        r->user = apr_pstrdup(r->pool, who->name);
        r->ap_auth_type = apr_pstrdup(r->pool, AUTH_TYPE);
        apr_table_setn(r->notes, "webmunk-session", who->session->handle);
        apr_table_setn(r->subprocess_env, "WEBMUNK_SESSION", who->session->handle);
    }
    if (who->account)
        apr_table_setn(r->subprocess_env, "WEBMUNK_ACCOUNT",
                       apr_psprintf(r->pool, "%" APR_INT64_T_FMT, who->account->id));
}

const wm_err *wm_auth_who(const wm_who **result, request_rec *r)
{
    const wm_who *known = wm_auth_known(r);
    const char *key = wm_auth_is_ours(r) ? wm_http_cookie(r, WM_COOKIE) : NULL;
    wm_who *who;

    if (!known) {
        if (!key && (wm_auth_is_ours(r) || !r->user))
            return wm_err_make(r->pool, WM_E_AUTH, "nobody is signed in");
        who = apr_pcalloc(r->pool, sizeof *who);
        WM_TRY(look_up(who, r, key));
        remember(r, who);
        known = who;
    }
    publish(r, known);
    *result = known;
    return NULL;
}

/* Is this a browser that goes to a page, so that the sign-in page helps?  A script's request would
 * take that page for its answer. */
static int goes_to_page(const wm_http *h)
{
    const char *mode = wm_http_header(h, "Sec-Fetch-Mode");

    return h->form == WM_FORM_PAGE && (h->method & WM_READ) && !wm_accept_json(h) &&
           (!mode || !strcmp(mode, "navigate"));
}

/* Answer here: the phases that follow are for those who are known. */
static int refuse(request_rec *r, const wm_err *err)
{
    wm_http *h = wm_mount_claim(r);
    int status;

    if (!h) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "WM0201 %s", wm_err_text(err, r->pool));
        return wm_err_status(err->code);
    }
    if (err->code == WM_E_AUTH && goes_to_page(h))
        err = wm_reply_redirect(h, wm_auth_sign_in_path(h));
    if (err)
        wm_http_fail(h, err);
    ap_run_insert_filter(r); /* "Header always set" holds for this answer too */
    status = wm_http_send(h);
    return status == OK ? DONE : status;
}

static int check_authn(request_rec *r)
{
    const wm_who *who;
    const wm_err *err;

    if (!wm_auth_is_ours(r))
        return DECLINED;
    err = wm_auth_who(&who, r);
    return err ? refuse(r, err) : OK;
}

/* A location without Require lines means "Require valid-user": mod_authz_core makes a 500 of it (T29),
 * so it is not asked. */
static int access_without_require(request_rec *r)
{
    return wm_auth_is_ours(r) && !ap_some_auth_required(r) ? OK : DECLINED;
}

static int authz_without_require(request_rec *r)
{
    return wm_auth_is_ours(r) && r->user && !ap_some_auth_required(r) ? OK : DECLINED;
}

/* Behind mod_authz_core, which declines when only a user is missing; what it refuses to anybody, by
 * "Require ip" for example, stays refused. */
static int access_public(request_rec *r)
{
    return wm_auth_is_ours(r) && is_public(r) ? OK : DECLINED;
}

/* "Require all granted" opens no page either. */
static int force_authn(request_rec *r)
{
    return wm_auth_is_ours(r) && !is_public(r) ? OK : DECLINED;
}

const wm_err *wm_auth_may(wm_http *h, wm_right right, apr_int64_t study)
{
    const wm_who *who = wm_auth_known(h->r);

    if (who && wm_account_may(who->account, right, study))
        return NULL;
    return wm_err_make(h->r->pool, WM_E_FORBIDDEN, "%s has not the right \"%s\" in study %ld",
                       who ? who->name : "nobody", wm_right_word(right), (long)study);
}

wm_audit wm_auth_audit(wm_http *h, const char *action)
{
    const wm_who *who = wm_auth_known(h->r);

    return (wm_audit){.account = who ? who->name : NULL,
                      .via = !who           ? WM_VIA_NONE
                             : who->session ? WM_VIA_SESSION
                                            : WM_VIA_PROXY,
                      .action = action,
                      .address = h->r->useragent_ip,
                      .request_id = wm_http_id(h)};
}

void wm_auth_register(apr_pool_t *pool)
{
    ap_hook_check_access_ex(access_without_require, NULL, NULL, APR_HOOK_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_access_ex(access_public, NULL, NULL, APR_HOOK_REALLY_LAST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_force_authn(force_authn, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(authz_without_require, NULL, NULL, APR_HOOK_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    wm_auth_role_register(pool);
}
