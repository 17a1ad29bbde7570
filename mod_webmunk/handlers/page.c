/* SPDX-License-Identifier: Apache-2.0 */
/* The dashboard's pages: as HTML, as JSON at the same address with ".json" or by Accept, their
 * tables as ".csv".  What they say is made in lib/wm_page; here it is permitted, recorded and put
 * into form. */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <sodium.h>

#include "wm_json_own.h"
#include "wm_mustache.h"

#include "../accept.h"
#include "../auth.h"
#include "../config.h"
#include "../conditional.h"
#include "../handlers.h"
#include "../page.h"
#include "../site.h"

enum {
    ETAG_BYTES = 16,
    VIEW_BYTES = 16,
    COVERED_SECONDS = 15 * 60 /* so long a row of the access log speaks for a page left open */
};

typedef enum { HTML, JSON, CSV } form;

typedef struct request {
    const wm_page *which;
    form form;
    int part; /* the part of it that changes alone, by ".../progress" */
    wm_page_query q;
} request;

#define PROGRESS "/progress"

static const wm_err *read_path(request *req, wm_http *h)
{
    const char *path = h->path, *dot = strrchr(path, '.');
    size_t size = strlen(path), part = sizeof PROGRESS - 1;

    req->form = wm_accept_json(h) ? JSON : HTML;
    if (dot && dot > path && (!strcmp(dot, ".json") || !strcmp(dot, ".csv"))) {
        if (dot[1] == 'c')
            req->form = CSV;
        path = apr_pstrmemdup(h->r->pool, path, (size_t)(dot - path));
    }
    if (req->form == HTML && size > part && !strcmp(path + size - part, PROGRESS)) {
        req->part = 1;
        path = apr_pstrmemdup(h->r->pool, path, size - part);
    }
    req->which = wm_page_find_number(path, &req->q.number, h->r->pool);
    if (!req->which)
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND, "there is no such page");
    return NULL;
}

static const wm_err *read_arguments(request *req, wm_http *h)
{
    const apr_array_header_t *all;
    const apr_table_entry_t *entry;

    wm_http_arg(h, ""); /* parses */
    all = apr_table_elts(h->args);
    entry = (const apr_table_entry_t *)all->elts;
    for (int i = 0; i < all->nelts; i++)
        WM_TRY(wm_page_query_arg(&req->q, entry[i].key, entry[i].val, h->r->pool));
    return NULL;
}

/* When the sign-in before this one was, once, on the first page after signing in. */
static const char *sign_in_notice(wm_http *h)
{
    const char *value = wm_http_cookie(h->r, WM_COOKIE_NOTICE);
    apr_time_exp_t exploded;
    char text[40];
    apr_size_t size;
    apr_int64_t last;

    if (!value)
        return NULL;
    wm_http_set_cookie(h->r, WM_COOKIE_NOTICE, "", WM_COOKIE_GONE);
    last = apr_atoi64(value);
    if (last <= 0)
        return "This is the first time that this account signed in.";
    if (apr_time_exp_gmt(&exploded, apr_time_from_sec(last)) != APR_SUCCESS ||
        apr_strftime(text, &size, sizeof text, "%Y-%m-%d %H:%M UTC", &exploded) != APR_SUCCESS)
        return NULL;
    return apr_psprintf(h->r->pool, "You last signed in on %s.", text);
}

/* What stands for this session's look at the page of this address, in whichever form, from this
 * host; without the form token nobody can tell which search it was. */
static const char *view_of(wm_http *h, const request *req, const json_t *page)
{
    const char *self = json_string_value(json_object_get(json_object_get(page, "links"), "self"));
    const char *text = apr_pstrcat(h->r->pool, h->r->useragent_ip, " ", self ? self : "", NULL);
    const char *key = req->q.csrf ? req->q.csrf : "";
    unsigned char digest[VIEW_BYTES];
    char *hex = apr_palloc(h->r->pool, 2 * VIEW_BYTES + 1);

    crypto_generichash(digest, sizeof digest, (const unsigned char *)text, strlen(text),
                       (const unsigned char *)key, strlen(key));
    return sodium_bin2hex(hex, 2 * VIEW_BYTES + 1, digest, sizeof digest);
}

/* No row, no page.  A page that reloads itself, or fetches the numbers of its plots, is the view
 * that a row of ACTION speaks for already, as long as it shows nobody else; VIEW is NULL for what is
 * none. */
static const wm_err *record(wm_http *h, wm_db *db, const request *req, const char *action,
                            const json_t *extent, const char *view)
{
    static const char *const forms[] = {"html", "json", "csv"};
    wm_audit row = wm_auth_audit(h, action);
    apr_pool_t *pool = h->r->pool;
    int covered = 0;

    wm_page_audit_sources(&row, extent, pool);
    if (view && wm_auth_is_unattended(h->r))
        WM_TRY(wm_audit_covered(&covered, db, &row, view, COVERED_SECONDS, pool));
    if (covered)
        return NULL;
    row.object = req->which->template;
    row.extent = wm_json_own(json_pack("{s:i, s:s, s:s*, s:s*}", "participants", row.source_count,
                                       "form", forms[req->form], "tab", req->q.tab, "view", view),
                             pool);
    return wm_err_wrap(pool, wm_audit_add(NULL, db, &row, pool), "recording who sees this page");
}

/* A digest of what PAGE says, but for the moment of asking; who asks and by which program is part
 * of it because the frame shows both. */
static const char *etag_of(const json_t *page, const request *req, apr_pool_t *pool)
{
    static const char *const forms[] = {"html", "json", "csv"};
    json_t *still = wm_json_own(json_copy((json_t *)page), pool);
    json_t *study = wm_json_own(json_copy(json_object_get(page, "study")), pool);
    unsigned char digest[ETAG_BYTES];
    char hex[2 * ETAG_BYTES + 1];
    const char *text;

    json_object_del(study, "now");
    json_object_set(still, "study", study);
    text = wm_json_own_text(still, pool);
    text = apr_pstrcat(pool, forms[req->form], req->part ? PROGRESS : "", req->q.account, " ",
                       req->q.version, " ", text ? text : "", NULL);
    crypto_generichash(digest, sizeof digest, (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return apr_pstrcat(pool, "\"", hex, "\"", NULL);
}

static const wm_err *download(wm_http *h, wm_db *db, request *req)
{
    const json_t *extent;
    wm_buf *text;

    WM_TRY(wm_page_csv(&text, &extent, req->which, db, &req->q, h->r->pool));
    WM_TRY(record(h, db, req, req->which->action, extent, NULL));
    wm_http_set(
        h, "Content-Disposition",
        apr_pstrcat(h->r->pool, "attachment; filename=\"", req->which->template, ".csv\"", NULL));
    return wm_reply_data(h, HTTP_OK, "text/csv; charset=utf-8; header=present", text->data,
                         text->size);
}

/* The part that asks again by itself carries what it showed last, ready for If-None-Match. */
static void carry_etag(json_t *page, const char *etag, apr_pool_t *pool)
{
    json_t *text = wm_json_own(json_string(etag), pool);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);

    json_object_set_new(page, "seen", json_string(quoted));
    free(quoted);
}

static const wm_err *show_part(wm_http *h, json_t *page, request *req)
{
    const char *template = apr_pstrcat(h->r->pool, req->which->template, "-live", NULL);
    const wm_site *site = wm_server_site(h->r->server);

    if (!site || !wm_templates_has(site->templates, template))
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND, "no part of this page changes alone");
    return wm_page_reply(h, HTTP_OK, template, page, &req->q);
}

static const wm_err *show(wm_http *h, wm_db *db, request *req)
{
    const char *etag;
    json_t *page;

    WM_TRY(req->which->build(&page, db, &req->q, h->r->pool));
    etag = etag_of(page, req, h->r->pool);
    carry_etag(page, etag, h->r->pool);
    wm_http_set(h, "Vary", "Accept");
    wm_http_set(h, "ETag", etag);
    if (wm_matches(h, etag)) /* nothing is shown that was not shown before */
        return wm_reply_data(h, HTTP_NOT_MODIFIED, NULL, "", 0);
    if (req->part && !json_array_size(wm_page_extent(page))) { /* it shows nobody */
        wm_http_db_done(h);
        return show_part(h, page, req);
    }
    WM_TRY(record(h, db, req, wm_page_shows_sensitive(page) ? "view-sensitive" : req->which->action,
                  wm_page_extent(page), view_of(h, req, page)));
    wm_http_db_done(h);
    if (req->part)
        return show_part(h, page, req);
    if (req->form == JSON)
        return wm_reply_json(h, HTTP_OK, json_incref(page));
    req->q.notice = sign_in_notice(h);
    return wm_page_reply(h, HTTP_OK, req->which->template, page, &req->q);
}

/* Counts are for every role; lists of participants not for auditors; what participants sent is a
 * right of its own.  All of them in the study that the page is about. */
static const wm_err *permit(wm_http *h, request *req)
{
    apr_int64_t study = req->which->all_studies ? WM_ANY_STUDY : req->q.study_id;
    wm_right right = req->which->right;

    /* What is not theirs to see is not there: a number tells nobody what others do. */
    if (req->q.number && wm_auth_may(h, right, WM_ANY_STUDY))
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND, "the right \"%s\" is missing",
                           wm_right_word(right));
    if (req->q.tab && !strcmp(req->q.tab, "points"))
        right = WM_MAY_RECORDS;
    req->q.counts_only = wm_auth_may(h, WM_MAY_STATES, study) != NULL;
    req->q.no_points = wm_auth_may(h, WM_MAY_RECORDS, study) != NULL;
    return wm_auth_may(h, right, study);
}

const wm_err *wm_h_page(wm_http *h)
{
    request req = {0};
    wm_db *db;
    apr_int64_t number;

    WM_TRY(read_path(&req, h));
    number = req.q.number;
    WM_TRY(wm_auth_token(&req.q.csrf, h, NULL)); /* the frame has a form */
    wm_page_query_begin(&req.q, h);
    req.q.number = number;
    WM_TRY(read_arguments(&req, h));
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_page_query_choose(&req.q, req.which->right, h, db));
    WM_TRY(permit(h, &req));
    return req.form == CSV ? download(h, db, &req) : show(h, db, &req);
}
