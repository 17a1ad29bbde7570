/* SPDX-License-Identifier: Apache-2.0 */
/* How a request ends: the answer, or its absence, and the log line. */
#include <string.h>

#include <apr_buckets.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "body.h"
#include "http.h"
#include "page.h"

APLOG_USE_MODULE(webmunk);

/* Upload clients know "not now" and nothing else of a server's troubles (11.3). */
static int status_of(const wm_http *h, const wm_err *err)
{
    int status = wm_err_status(err->code);

    if (h->form == WM_FORM_UPLOAD && (status >= 500 || err->code == WM_E_CONFLICT))
        return HTTP_SERVICE_UNAVAILABLE;
    return status;
}

static void log_failure(wm_http *h, int status, const wm_err *err)
{
    const char *name = h->route ? h->route->counter : "-";
    const char *text = wm_err_text(err, h->r->pool);

    if (status < 500 || h->expected)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, h->r, "WM0101 %s %s %d %s: %s", name, h->r->method,
                      status, wm_http_id(h), text);
    else
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, h->r, "WM0102 %s %s %d %s: %s", name, h->r->method,
                      status, wm_http_id(h), text);
}

void wm_http_drop(wm_http *h)
{
    h->dropped = 1;
    h->r->connection->aborted = 1;
    h->r->connection->keepalive = AP_CONN_CLOSE;
}

static void fail_upload(wm_http *h, int status, const wm_err *err)
{
    if (err->code == WM_E_AUTH && h->method == WM_PUT) {
        wm_http_set(h, "WWW-Authenticate", "Bearer");
        wm_reply_json(h, status, json_pack("{s:s}", "error", "This upload needs a valid token."));
    } else if (err->code == WM_E_METHOD) {
        wm_reply_text(h, status, "");
    } else {
        wm_reply_text(h, status, apr_pstrcat(h->r->pool, wm_err_public(err->code), "\n", NULL));
    }
}

/* Over HTTP/2 a client that is still sending when its stream ends may miss the answer (curl 7.88
 * does), so a small body that was refused unread is read all the same. */
static void finish_small_body(wm_http *h, const wm_err *err)
{
    const char *data;
    size_t size;

    if (h->r->connection->master && !h->body_read && ap_request_has_body(h->r) &&
        err->code != WM_E_TIMEOUT && err->code != WM_E_LIMIT)
        (void)wm_body_read(&data, &size, h, WM_SMALL_FORM_MAX);
}

void wm_http_fail(wm_http *h, const wm_err *err)
{
    int status = status_of(h, err);

    log_failure(h, status, err);
    h->r->status = status; /* for the access log, also when nothing is sent */
    if (h->vanished || h->method == WM_CREATE) {
        wm_http_drop(h);
        return;
    }
    finish_small_body(h, err);
    if (status == HTTP_SERVICE_UNAVAILABLE)
        wm_http_set(h, "Retry-After", "10");
    if (err->code == WM_E_METHOD)
        wm_http_set(h, "Allow", wm_route_methods(h->allowed, h->r->pool));
    switch (h->form) {
    case WM_FORM_UPLOAD:
        fail_upload(h, status, err);
        break;
    case WM_FORM_API:
        wm_reply_json(h, status, json_pack("{s:s}", "error", wm_err_public(err->code)));
        break;
    case WM_FORM_PAGE:
        wm_page_fail(h, status, err);
        break;
    }
}

/* Said once, here; a handler that wants another value sets it before. */
static void set_default(wm_http *h, const char *name, const char *value)
{
    if (!apr_table_get(h->r->err_headers_out, name))
        wm_http_set(h, name, value);
}

static void set_headers(wm_http *h)
{
    set_default(h, "X-Content-Type-Options", "nosniff");
    if (h->form == WM_FORM_UPLOAD)
        return;
    set_default(h, "Cache-Control", "no-store");
    if (h->form != WM_FORM_PAGE)
        return;
    set_default(h, "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
                "frame-ancestors 'none'");
    set_default(h, "Referrer-Policy", "same-origin");
}

/* As httpd's own handler for files does: its filters answer ranges when they see the whole at once. */
static int send_file(wm_http *h)
{
    request_rec *r = h->r;
    apr_bucket_brigade *all = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_finfo_t info;

    if (apr_file_info_get(&info, APR_FINFO_SIZE, h->reply.file) != APR_SUCCESS)
        return HTTP_INTERNAL_SERVER_ERROR;
    apr_table_setn(r->headers_out, "ETag", h->reply.etag); /* where If-Range is compared */
    apr_table_setn(r->subprocess_env, "no-gzip", "1");
    ap_set_accept_ranges(r);
    ap_set_content_length(r, info.size);
    apr_brigade_insert_file(all, h->reply.file, 0, info.size, r->pool);
    APR_BRIGADE_INSERT_TAIL(all, apr_bucket_eos_create(r->connection->bucket_alloc));
    return ap_pass_brigade(r->output_filters, all) == APR_SUCCESS ? OK : AP_FILTER_ERROR;
}

int wm_http_send(wm_http *h)
{
    request_rec *r = h->r;

    if (h->dropped)
        return OK;
    if (h->answered)
        return AP_FILTER_ERROR;
    /* A body that was refused is not read to its end, however slowly it comes. */
    if (!h->body_read && ap_request_has_body(r))
        r->connection->keepalive = AP_CONN_CLOSE;
    r->status = h->reply.status;
    ap_set_content_type(r, h->reply.type);
    set_headers(h);
    if (h->reply.file)
        return send_file(h);
    ap_set_content_length(r, (apr_off_t)h->reply.size);
    if (!r->header_only && h->reply.size)
        ap_rwrite(h->reply.data, (int)h->reply.size, r);
    return OK;
}
