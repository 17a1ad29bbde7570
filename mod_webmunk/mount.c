/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <httpd.h>
#include <ap_expr.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "config.h"
#include "mount.h"

APLOG_USE_MODULE(webmunk);

#define HANDLER       "webmunk"
#define CREATE_FILTER "WEBMUNK_CREATE"

extern module AP_MODULE_DECLARE_DATA webmunk_module;

static int log_enabled(void *host, wm_log_level level)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_NOTICE, APLOG_INFO, APLOG_DEBUG};

    return APLOG_R_IS_LEVEL((request_rec *)host, levels[level]);
}

static void log_line(void *host, wm_log_level level, const char *fmt, va_list ap)
{
    static const int levels[] = {APLOG_ERR, APLOG_WARNING, APLOG_NOTICE, APLOG_INFO, APLOG_DEBUG};
    request_rec *r = host;

    ap_log_rerror(APLOG_MARK, levels[level], 0, r, "%s", apr_pvsprintf(r->pool, fmt, ap));
}

/* Length of the part of URI that section D covers, or -1: as ap_location_walk decides. */
static int covered(const core_dir_config *d, const char *uri)
{
    ap_regmatch_t match[1];
    size_t size;

    if (!d->d)
        return -1;
    if (d->r)
        return ap_regexec(d->r, uri, 1, match, 0) ? -1 : match[0].rm_so ? 0 : (int)match[0].rm_eo;
    /* No star matches a slash, so a pattern ends with the part of URI that its last one matches. */
    if (d->d_is_fnmatch)
        return apr_fnmatch(d->d, uri, APR_FNM_PATHNAME) ? -1 : (int)(strrchr(uri, '/') - uri);
    size = strlen(d->d);
    if (strncmp(d->d, uri, size))
        return -1;
    return !size || d->d[size - 1] == '/' || uri[size] == '/' || !uri[size] ? (int)size : -1;
}

/* Does D force our handler?  -1 when it says nothing about handlers. */
static int forces_ours(const core_dir_config *d, request_rec *r)
{
    const char *error = NULL, *value;

    if (!d || !d->expr_handler)
        return -1;
    value = ap_expr_str_exec(r, d->expr_handler, &error);
    return !error && !strcmp(value, HANDLER);
}

/* Length of the mount in URI, or -1 when the location is not ours.  The sections are few, and this
 * loop is the one that ap_location_walk makes for every request anyway; it finds which of them set
 * the handler, which the merged configuration does not tell. */
static int find_mount(request_rec *r, const char *uri)
{
    core_server_config *server = ap_get_core_module_config(r->server->module_config);
    core_dir_config *top = ap_get_core_module_config(r->server->lookup_defaults);
    ap_conf_vector_t **sections = (ap_conf_vector_t **)server->sec_url->elts;
    int mount = forces_ours(top, r) > 0 ? 0 : -1;

    for (int i = 0; i < server->sec_url->nelts; i++) {
        core_dir_config *d = ap_get_core_module_config(sections[i]);
        int ours = forces_ours(d, r);
        int size = ours < 0 ? -1 : covered(d, uri);

        if (size >= 0)
            mount = ours ? size : -1;
    }
    return mount;
}

/* PATH without slashes at its ends and with single ones inside. */
static const char *tidy(const char *path, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, path);
    size_t size;

    ap_no2slash(copy);
    while (*copy == '/')
        copy++;
    size = strlen(copy);
    while (size && copy[size - 1] == '/')
        copy[--size] = 0;
    return copy;
}

static void set_cors(wm_http *h)
{
    if (h->cors == WM_CORS_NONE)
        return;
    wm_http_set(h, "Access-Control-Allow-Origin", "*");
    if (h->cors == WM_CORS_OPEN)
        return;
    wm_http_set(h, "Access-Control-Allow-Methods", "CREATE, POST, PUT, HEAD, OPTIONS");
    wm_http_set(h, "Access-Control-Allow-Headers",
                "Content-Type, X-PDK-IDENTIFIER, Authorization, Content-Encoding");
    wm_http_set(h, "Access-Control-Max-Age", "86400");
}

static wm_http *make(request_rec *r, const char *mount, const char *path)
{
    wm_http *h = apr_pcalloc(r->pool, sizeof *h);

    h->r = r;
    h->mount = mount;
    h->path = tidy(path, r->pool);
    h->log = (wm_log){.enabled = log_enabled, .write = log_line, .host = r};
    ap_set_module_config(r->request_config, &webmunk_module, h);
    wm_route_find(h);
    set_cors(h);
    if (h->method == WM_CREATE)
        ap_add_output_filter(CREATE_FILTER, NULL, r, r->connection);
    return h;
}

wm_http *wm_mount_claim(request_rec *r)
{
    wm_http *h = ap_get_module_config(r->request_config, &webmunk_module);
    char *uri;
    int size;

    if (h || !r->uri || r->uri[0] != '/')
        return h;
    uri = apr_pstrdup(r->pool, r->uri);
    ap_no2slash(uri);
    size = find_mount(r, uri);
    if (size < 0)
        return NULL;
    h = make(r, apr_pstrndup(r->pool, uri, size && uri[size - 1] == '/' ? size - 1 : size),
             uri + size);
    return h;
}

wm_http *wm_mount_adopt(request_rec *r)
{
    const char *path = r->path_info ? r->path_info : "";
    size_t all = strlen(r->uri), rest = strlen(path);

    return make(r, apr_pstrndup(r->pool, r->uri, rest < all ? all - rest : 0), path);
}

int wm_mount_translate(request_rec *r)
{
    wm_http *h = wm_mount_claim(r);

    if (!h)
        return DECLINED;
    /* No suffix that mod_mime could read, no file that anybody could open. */
    r->filename = apr_pstrcat(r->pool, "webmunk:", h->mount, NULL);
    r->path_info = apr_pstrcat(r->pool, "/", h->path, NULL);
    return OK;
}

int wm_mount_map_to_storage(request_rec *r)
{
    return wm_mount_claim(r) ? OK : DECLINED;
}

void wm_mount_insert_error_filter(request_rec *r)
{
    wm_http *h = wm_mount_claim(r);

    /* httpd may start over with a second error, and clears what the first one had. */
    if (h)
        set_cors(h);
}

/* Everything that would answer a CREATE other than with success drops the connection instead: iOS
 * deletes its rows on every HTTP answer (11.2).  A filter, because the answer may be httpd's own
 * (408, 413, 500, an ErrorDocument) and never pass our handler. */
static apr_status_t create_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const request_rec *r = f->r;

    while (r->prev && ap_is_HTTP_SUCCESS(r->status))
        r = r->prev;
    if (ap_is_HTTP_SUCCESS(r->status) && !f->c->aborted) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    f->c->aborted = 1;
    f->c->keepalive = AP_CONN_CLOSE;
    apr_brigade_cleanup(bb);
    return APR_ECONNABORTED;
}

void wm_mount_register_filters(apr_pool_t *pool)
{
    (void)pool;
    /* Behind the filter that writes the header, and kept by internal redirects. */
    ap_register_output_filter(CREATE_FILTER, create_filter, NULL, AP_FTYPE_TRANSCODE - 1);
}
