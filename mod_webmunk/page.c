/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_json_own.h"
#include "wm_mustache.h"

#include "accept.h"
#include "auth.h"
#include "config.h"
#include "page.h"
#include "site.h"

void wm_page_query_begin(wm_page_query *q, wm_http *h)
{
    const wm_who *who = wm_auth_known(h->r);

    *q = (wm_page_query){.base = h->mount,
                         .account = who && who->account ? who->name : NULL,
                         .person = who ? who->account : NULL,
                         .no_sign_out = !wm_auth_sign_out_path(h),
                         .csrf = wm_auth_token_known(h),
                         .request_id = wm_http_id(h),
                         .version = WM_VERSION,
                         .now = apr_time_now()};
}

void wm_page_query_kept(wm_page_query *q, wm_http *h)
{
    static const char *const kept[] = {"study", "zone"};

    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        (void)wm_page_query_arg(q, kept[i], wm_http_arg(h, kept[i]), h->r->pool);
}

const wm_err *wm_page_query_choose(wm_page_query *q, wm_right right, wm_http *h, wm_db *db)
{
    const wm_err *err;

    WM_TRY(wm_page_choose_study(q, right, db, h->r->pool));
    err = wm_page_choose_zone(q, h->r->pool);
    if (err && err->code == WM_E_INPUT)
        h->advice = "There is no such time zone. Names look like America/New_York, Asia/Kolkata or "
                    "UTC; without one, times are in the time zone of the study.";
    return err;
}

const wm_err *wm_page_redirect(wm_http *h, const char *path, const wm_page_change *changes)
{
    wm_page_query q = {.base = h->mount};

    wm_page_query_kept(&q, h);
    return wm_reply_redirect(h, wm_page_link_only(&q, path, changes, h->r->pool));
}

void wm_page_audit_sources(wm_audit *row, const json_t *extent, apr_pool_t *pool)
{
    size_t count = json_array_size(extent);
    apr_int64_t *ids = apr_palloc(pool, (count + 1) * sizeof *ids);

    for (size_t i = 0; i < count; i++)
        ids[i] = json_integer_value(json_array_get(extent, i));
    row->sources = ids;
    row->source_count = (int)count;
}

const wm_err *wm_page_reply(wm_http *h, int status, const char *template, json_t *page,
                            const wm_page_query *q)
{
    const wm_site *site = wm_server_site(h->r->server);
    wm_buf *text;

    if (!site)
        return wm_err_make(h->r->pool, WM_E_SYSTEM, "this server has no templates");
    WM_TRY(wm_page_html(&text, site->templates, template, page, q, h->r->pool));
    return wm_reply_data(h, status, "text/html; charset=utf-8", text->data, text->size);
}

const char *wm_page_way_back(wm_http *h, const char *path)
{
    const char *page = apr_pstrcat(h->r->pool, h->mount, "/", path, NULL);
    const char *back = wm_auth_local_path(wm_http_field(h, "back"));
    size_t size = strlen(page);

    return back && !strncmp(back, page, size) && (!back[size] || back[size] == '?') ? back : page;
}

/* Where a visit has no answer, but a button of ours has. */
static const char *advice_method(const wm_http *h)
{
    if (!(h->method & WM_READ) || !(h->allowed & WM_POST))
        return NULL;
    if (strcmp(h->path, WM_PATH_SIGN_OUT) || !wm_auth_sign_out_path(h))
        return "Use the button that leads here: nothing changes by a visit.";
    return "To sign out, use the button \u201cSign out\u201d of this page: a visit alone signs "
           "nobody out.";
}

static const char *advice_input(const wm_http *h)
{
    if (h->method & WM_UNSAFE)
        return "Something in the form is missing, or not as it should be, and nothing was changed: "
               "go back and look at it once more.";
    return h->r->args ? "What stands behind the question mark in the address is not of this page: "
                        "open it without that."
                      : "The address says too little: use the links of the pages.";
}

/* A button, after the session has ended: a visit leads to the sign-in form and back. */
static const char *advice_signed_out(const wm_http *h)
{
    if (!(h->method & WM_UNSAFE))
        return NULL;
    if (!strcmp(h->path, WM_PATH_SIGN_OUT))
        return "You were signed out already.";
    return "You are signed out meanwhile, and nothing was changed: open the page once more, sign "
           "in, and repeat it.";
}

/* What to add for those who may not see this, or came by the wrong way. */
static const char *advice(wm_http *h, const wm_err *err)
{
    const wm_who *who = wm_auth_known(h->r);

    if (h->advice)
        return h->advice;
    if (err->code == WM_E_METHOD)
        return advice_method(h);
    if (err->code == WM_E_INPUT)
        return advice_input(h);
    if (err->code == WM_E_AUTH)
        return advice_signed_out(h);
    if (err->code == WM_E_GONE)
        return "Archives are kept for a while only. The same export can be made again by its "
               "button \u201cRepeat\u201d.";
    if (err->code == WM_E_SENSITIVE)
        return WM_PAGE_ASK_FOR_SENSITIVE;
    if (err->code == WM_E_NOT_FOUND && who)
        return "Perhaps the address is mistyped, or what it names is in a study that you may not "
               "see: begin at the overview, or find the participant by name.";
    if (err->code != WM_E_FORBIDDEN || !(who || h->r->user))
        return NULL;
    if (h->method & WM_UNSAFE)
        return "The form may be too old: go back, reload the page and try again.";
    return wm_auth_whom_to_ask(h->r);
}

static void fail_plainly(wm_http *h, int status, const wm_err *err)
{
    apr_pool_t *pool = h->r->pool;
    const char *text = wm_err_public(err->code);
    const char *page = apr_pstrcat(
        pool, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", text,
        "</title></head>\n<body><main><h1>", text,
        "</h1>\n<p>Reference: ", ap_escape_html(pool, wm_http_id(h)), "</p></main></body></html>\n",
        NULL);

    wm_reply_data(h, status, "text/html; charset=utf-8", page, strlen(page));
}

static void fail_json(wm_http *h, int status, const wm_err *err)
{
    json_t *problem = wm_json_own(json_pack("{s:s, s:s, s:i, s:s*, s:s}", "type", "about:blank",
                                            "title", wm_err_public(err->code), "status", status,
                                            "detail", advice(h, err), "request_id", wm_http_id(h)),
                                  h->r->pool);
    const char *text = problem ? wm_json_own_text(problem, h->r->pool) : "{}";

    wm_reply_data(h, status, "application/problem+json", text, strlen(text));
}

static const wm_err *fail_page(wm_http *h, int status, const wm_err *err)
{
    wm_page_query q;
    json_t *page;

    wm_page_query_begin(&q, h);
    q.notice = advice(h, err);
    WM_TRY(wm_page_error(&page, &q, err->code, h->r->pool));
    return wm_page_reply(h, status, "error", page, &q);
}

void wm_page_fail(wm_http *h, int status, const wm_err *err)
{
    if (err->code == WM_E_AUTH)
        wm_http_set(h, "WWW-Authenticate", "Webmunk realm=\"Webmunk\"");
    wm_http_set(h, "Vary", "Accept");
    if (wm_accept_json(h))
        fail_json(h, status, err);
    else if (fail_page(h, status, err))
        fail_plainly(h, status, err);
}
