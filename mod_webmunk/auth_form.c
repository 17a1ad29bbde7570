/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of signed-in people: where they may come from and where they may lead. */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>

#include "auth.h"
#include "auth_secret.h"

APLOG_USE_MODULE(webmunk);

#define NEXT_MAX 2048

/* A browser keeps a Secure cookie of plain http when the address names its own machine.  What counts
 * is the name in the address bar: behind an SSH tunnel or a published port of a container the
 * connection comes from elsewhere and the cookie is kept all the same. */
static int is_loopback(const char *host)
{
    size_t size = host ? strlen(host) : 0;
    unsigned part[4];
    char rest;

    if (!size)
        return 0;
    if (!strcasecmp(host, "localhost") || !strcmp(host, "::1") || !strcmp(host, "[::1]"))
        return 1;
    if (size > 10 && !strcasecmp(host + size - 10, ".localhost"))
        return 1;
    return sscanf(host, "%u.%u.%u.%u%c", &part[0], &part[1], &part[2], &part[3], &rest) == 4 &&
           part[0] == 127;
}

int wm_auth_can_sign_in(request_rec *r)
{
    return !strcmp(ap_http_scheme(r), "https") || is_loopback(r->hostname);
}

const char *wm_auth_local_path(const char *text)
{
    if (!text || text[0] != '/' || text[1] == '/' || strlen(text) > NEXT_MAX)
        return NULL;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '\\')
            return NULL;
    return text;
}

const char *wm_auth_sign_in_path(const wm_http *h)
{
    const request_rec *r = h->r;
    const char *page = apr_pstrcat(r->pool, h->mount, "/" WM_PATH_SIGN_IN, NULL);
    const char *back = ap_os_escape_path(r->pool, r->uri, 1);

    if (r->args && *r->args)
        back = apr_pstrcat(r->pool, back, "?", r->args, NULL);
    if (!*h->path || !h->route || !wm_auth_local_path(back))
        return page;
    return apr_pstrcat(r->pool, page, "?next=", ap_escape_urlencoded(r->pool, back), NULL);
}

const char *wm_auth_sign_out_path(const wm_http *h)
{
    const wm_who *who = wm_auth_known(h->r);

    if (who && !who->session)
        return wm_auth_local_path(apr_table_get(h->r->subprocess_env, "WEBMUNK_SIGN_OUT"));
    return apr_pstrcat(h->r->pool, h->mount, "/" WM_PATH_SIGN_IN, NULL);
}

const char *wm_auth_whom_to_ask(request_rec *r)
{
    const char *mail = r->server->server_admin;

    if (!mail || !strchr(mail, '@') || strchr(mail, '['))
        return "Ask an administrator of this server for a role in a study.";
    return apr_psprintf(r->pool, "Ask the administrator of this server, %s, for a role in a study.",
                        mail);
}

/* User and session that form tokens are bound to. */
static int identity(const char **user, const char **session, request_rec *r,
                    const char *form_cookie)
{
    const wm_who *who = wm_auth_known(r);

    if (form_cookie) {
        *user = "";
        *session = form_cookie;
        return 1;
    }
    *user = who ? who->name : NULL;
    *session = who && who->session ? who->session->handle : "";
    return who != NULL;
}

static const char *make_token(request_rec *r, const wm_csrf_secret *secret, const char *form_cookie)
{
    const char *user, *session;
    char *token = apr_palloc(r->pool, WM_CSRF_ROOM);

    if (!identity(&user, &session, r, form_cookie))
        return NULL;
    wm_csrf_make(token, secret, user, session, apr_time_now());
    return token;
}

const wm_err *wm_auth_token(const char **token, wm_http *h, const char *form_cookie)
{
    wm_csrf_secret secret;

    WM_TRY(wm_auth_secret(&secret, h));
    *token = make_token(h->r, &secret, form_cookie);
    return *token ? NULL : wm_err_make(h->r->pool, WM_E_AUTH, "nobody is signed in");
}

const char *wm_auth_token_known(wm_http *h)
{
    wm_csrf_secret secret;

    return wm_auth_secret_known(&secret, h->r->server) ? make_token(h->r, &secret, NULL) : NULL;
}

/* Whom the token belongs to: at the sign-in form nobody is known, its cookie stands for the browser. */
static const char *form_cookie_of(const wm_http *h)
{
    const char *cookie;

    if (h->route->auth == WM_AUTH_USER)
        return NULL;
    cookie = wm_http_cookie(h->r, WM_COOKIE_FORM);
    return cookie ? cookie : "";
}

/* A form to sign in is shown again, with words: it gets old for everybody, over night or when another
 * tab has signed in. */
static const wm_err *stale(wm_http *h)
{
    if (h->route->auth == WM_AUTH_USER)
        return wm_err_make(h->r->pool, WM_E_FORBIDDEN, "the form token does not fit");
    h->stale_form = *form_cookie_of(h)
                        ? "This page was too old. Sign in once more."
                        : "Your browser sent no cookie of this page. Sign in once more; if that "
                          "does not help, allow cookies for this address.";
    return NULL;
}

static const wm_err *check_form(wm_http *h)
{
    const char *form_cookie = form_cookie_of(h), *token = wm_http_header(h, WM_HEADER_TOKEN);
    const char *user, *session;
    wm_csrf_secret secret;

    if (!wm_http_same_origin(h->r))
        return wm_err_make(h->r->pool, WM_E_FORBIDDEN, "the form came from another site");
    /* JSON has no place for the token: it comes in the header, which no other site can send. */
    if (!token || !wm_http_is_type(wm_http_header(h, "Content-Type"), "application/json"))
        WM_TRY(wm_http_form(h));
    WM_TRY(wm_auth_secret(&secret, h));
    if (!token)
        token = wm_http_field(h, WM_FIELD_TOKEN);
    identity(&user, &session, h->r, form_cookie);
    if ((form_cookie && !*form_cookie) ||
        !wm_csrf_check(&secret, user, session, token, apr_time_now()))
        return stale(h);
    return NULL;
}

const wm_err *wm_auth_admit(wm_http *h)
{
    const wm_who *who;

    if (h->route->auth == WM_AUTH_USER) {
        /* It looks like a session that ended, for ever: only the log can tell. */
        if (!ap_auth_type(h->r))
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, h->r,
                          "WM0203 the location %s serves pages, but has no AuthType: "
                          "nobody can sign in",
                          h->mount);
        WM_TRY(wm_auth_who(&who, h->r));
        if (!who->account || who->account->disabled)
            return wm_err_make(h->r->pool, WM_E_FORBIDDEN, "%s has no account here", who->name);
    }
    if (h->route->form != WM_FORM_PAGE || !(h->method & WM_UNSAFE))
        return NULL;
    return check_form(h);
}
