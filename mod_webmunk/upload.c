/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <sodium.h>

#include "wm_utf8.h"

#include "body.h"
#include "config.h"
#include "upload.h"

/* The form that the content type of a POST promises. */
static const wm_err *form_of_post(wm_body_form *form, const char *type, apr_pool_t *pool)
{
    if (wm_http_is_type(type, "application/x-www-form-urlencoded"))
        *form = WM_BODY_URLENCODED;
    else if (wm_http_is_type(type, "multipart/form-data"))
        *form = WM_BODY_MULTIPART;
    else if (wm_http_is_type(type, "application/json"))
        *form = WM_BODY_JSON;
    else
        return wm_err_make(pool, WM_E_TYPE, "a POST of %s", type ? type : "no content type");
    return NULL;
}

static int begins_gzip(const wm_upload *u)
{
    return u->size > 1 && !memcmp(u->data, "\x1f\x8b", 2);
}

static int begins_json(const wm_upload *u)
{
    size_t at = 0;

    if (u->size > 3 && !memcmp(u->data, "\xef\xbb\xbf", 3))
        at = 3;
    while (at < u->size && memchr(" \t\r\n", u->data[at], 4))
        at++;
    return at < u->size && (u->data[at] == '[' || u->data[at] == '{');
}

/* JSON never begins as gzip does, so its first bytes say what it is, whatever Content-Encoding
 * says: a proxy or filter may have inflated the body and left the header.  Only what is neither is
 * taken at the header's word, for the reason that quarantine names. */
static int is_gzip(const wm_upload *u, const char *encoding)
{
    if (begins_gzip(u))
        return 1;
    return encoding && !strcasecmp(encoding, "gzip") && !begins_json(u);
}

/* A header as text that the database takes: bytes that are no UTF-8 become U+FFFD. */
static const char *header_text(const wm_http *h, const char *name)
{
    const char *value = wm_http_header(h, name);
    wm_text text = {value, value ? strlen(value) : 0};

    if (!value || !wm_utf8_repair(&text, h->r->pool))
        return value;
    return apr_pstrmemdup(h->r->pool, text.data, text.size);
}

const wm_err *wm_upload_read(wm_upload **result, wm_http *h)
{
    request_rec *r = h->r;
    wm_upload *u = apr_pcalloc(r->pool, sizeof *u);

    u->form = WM_BODY_JSON;
    u->content_type = wm_http_header(h, "Content-Type");
    if (h->method == WM_POST)
        WM_TRY(form_of_post(&u->form, u->content_type, r->pool));
    WM_TRY(wm_body_read(&u->data, &u->size, h, wm_dir_body_max(r)));
    if (u->form == WM_BODY_JSON && is_gzip(u, wm_http_header(h, "Content-Encoding")))
        u->form = WM_BODY_GZIP;
    u->identifier = wm_http_header(h, "X-PDK-IDENTIFIER");
    u->user_agent = header_text(h, "User-Agent");
    u->client = r->useragent_ip;
    u->method = r->method;
    u->received = apr_time_now();
    randombytes_buf(u->uid, sizeof u->uid);
    *result = u;
    return NULL;
}
