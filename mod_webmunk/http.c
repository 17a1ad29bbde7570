/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_cookies.h>

#include "wm_json_own.h"
#include "wm_utf8.h"

#include "body.h"
#include "dbd.h"
#include "http.h"

APLOG_USE_MODULE(webmunk);

const wm_err *wm_http_db(wm_db **db, wm_http *h)
{
    if (!h->loan)
        WM_TRY(wm_dbd_borrow(&h->loan, h->r, &h->log));
    *db = h->loan->db;
    return NULL;
}

void wm_http_db_done(wm_http *h)
{
    if (h->loan)
        wm_dbd_return(h->loan);
    h->loan = NULL;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decode SIZE bytes of a form; NULL when it holds U+0000 or bad UTF-8. */
static const char *decode(const char *text, size_t size, apr_pool_t *pool)
{
    char *out = apr_palloc(pool, size + 1), *end = out;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%' && i + 2 < size && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            c = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
            i += 2;
        }
        if (!c)
            return NULL;
        *end++ = c;
    }
    *end = 0;
    return wm_utf8_valid(out, end) ? out : NULL;
}

/* name=value&name=value; *GOOD is 0 when a part is no text. */
static apr_table_t *parse_form(int *good, const char *text, size_t size, apr_pool_t *pool)
{
    apr_table_t *fields = apr_table_make(pool, 8);
    const char *end = text + size;

    *good = 1;
    while (text < end) {
        const char *stop = memchr(text, '&', (size_t)(end - text));
        const char *equals, *name, *value;

        if (!stop)
            stop = end;
        equals = memchr(text, '=', (size_t)(stop - text));
        if (!equals)
            equals = stop;
        name = decode(text, (size_t)(equals - text), pool);
        value = equals < stop ? decode(equals + 1, (size_t)(stop - equals - 1), pool) : "";
        if (!name || !value)
            *good = 0;
        else if (*name)
            apr_table_setn(fields, name, value);
        text = stop + 1;
    }
    return fields;
}

const char *wm_http_arg(wm_http *h, const char *name)
{
    int good;

    if (!h->args)
        h->args = parse_form(&good, h->r->args ? h->r->args : "",
                             h->r->args ? strlen(h->r->args) : 0, h->r->pool);
    return apr_table_get(h->args, name);
}

const wm_err *wm_http_form(wm_http *h)
{
    const char *type = wm_http_header(h, "Content-Type");
    const char *data;
    size_t size;
    int good;

    if (h->fields)
        return NULL;
    if (!wm_http_is_type(type, "application/x-www-form-urlencoded"))
        return wm_err_make(h->r->pool, WM_E_TYPE, "the form has another content type");
    WM_TRY(wm_body_read(&data, &size, h, WM_SMALL_FORM_MAX));
    h->fields = parse_form(&good, data, size, h->r->pool);
    return good ? NULL : wm_err_make(h->r->pool, WM_E_INPUT, "a form field is no text");
}

const char *wm_http_field(wm_http *h, const char *name)
{
    return h->fields ? apr_table_get(h->fields, name) : NULL;
}

const char *wm_http_header(const wm_http *h, const char *name)
{
    return apr_table_get(h->r->headers_in, name);
}

int wm_http_is_type(const char *header, const char *type)
{
    size_t size = strlen(type);

    while (header && apr_isspace(*header))
        header++;
    return header && !strncasecmp(header, type, size) &&
           (!header[size] || header[size] == ';' || apr_isspace(header[size]));
}

const char *wm_http_cookie(const request_rec *r, const char *name)
{
    const char *value = NULL;

    return ap_cookie_read((request_rec *)r, name, &value, 0) == APR_SUCCESS ? value : NULL;
}

void wm_http_set_cookie(request_rec *r, const char *name, const char *value, const char *attributes)
{
    apr_table_addn(r->err_headers_out, "Set-Cookie",
                   apr_pstrcat(r->pool, name, "=", value, "; ", attributes, NULL));
}

int wm_http_same_origin(const request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *host = apr_table_get(r->headers_in, "Host");

    if (site)
        return !strcmp(site, "same-origin") || !strcmp(site, "none");
    if (!origin)
        return 1; /* no browser of this decade: the form token decides */
    origin = strstr(origin, "://");
    return origin && host && !strcasecmp(origin + 3, host);
}

const char *wm_http_id(const wm_http *h)
{
    request_rec *r = h->r;

    if (!r->log_id)
        ap_run_generate_log_id(r->connection, r, &r->log_id);
    return r->log_id ? r->log_id : "-";
}

void wm_http_set(wm_http *h, const char *name, const char *value)
{
    apr_table_set(h->r->err_headers_out, name, value);
}

const wm_err *wm_reply_data(wm_http *h, int status, const char *type, const char *data,
                            apr_size_t size)
{
    h->reply = (wm_reply){.status = status, .type = type, .data = data, .size = size};
    return NULL;
}

const wm_err *wm_reply_text(wm_http *h, int status, const char *text)
{
    return wm_reply_data(h, status, "text/plain; charset=utf-8", text, strlen(text));
}

const wm_err *wm_reply_json(wm_http *h, int status, json_t *root)
{
    const char *text;

    if (!root)
        return wm_err_make(h->r->pool, WM_E_SYSTEM, "the JSON of the answer could not be made");
    text = wm_json_own_text(wm_json_own(root, h->r->pool), h->r->pool);
    if (!text)
        return wm_err_make(h->r->pool, WM_E_SYSTEM, "no memory for the JSON of the answer");
    return wm_reply_data(h, status, "application/json", text, strlen(text));
}

const wm_err *wm_reply_redirect(wm_http *h, const char *path)
{
    if (path[0] != '/' || path[1] == '/' || path[1] == '\\' || strpbrk(path, "\r\n"))
        return wm_err_make(h->r->pool, WM_E_SYSTEM, "a redirect must stay on this server");
    wm_http_set(h, "Location", path);
    return wm_reply_data(h, HTTP_SEE_OTHER, "text/plain; charset=utf-8", "", 0);
}

const wm_err *wm_reply_file(wm_http *h, const char *type, apr_file_t *file, const char *etag)
{
    h->reply = (wm_reply){.status = HTTP_OK, .type = type, .file = file, .etag = etag};
    return NULL;
}
