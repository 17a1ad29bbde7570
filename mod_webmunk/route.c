/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "auth.h"
#include "config.h"
#include "handlers.h"
#include "mount.h"
#include "route.h"

APLOG_USE_MODULE(webmunk);

#define UPLOAD_PATH "add-bundle.json"

/* One row an address and set of methods.  Rows of more stars stand behind those of fewer: the first
 * path that matches is meant, whether or not it has the method. */
static const wm_route routes[] = {
    {WM_UPLOAD_METHODS, UPLOAD_PATH, WM_SERVE_DATA, WM_AUTH_NONE, WM_FORM_UPLOAD, WM_CORS_UPLOAD,
     wm_h_bundle_add, "bundle"},
    {WM_UPLOAD_METHODS, "add-point.json", WM_SERVE_DATA, WM_AUTH_NONE, WM_FORM_UPLOAD,
     WM_CORS_UPLOAD, wm_h_point_add, "point"},
    {WM_READ, "health", WM_SERVE_DATA, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE, wm_h_health,
     "health"},
    {WM_READ, "system.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_json, "monitor"},
    {WM_READ, "system.prom", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_prometheus, "monitor"},
    {WM_READ, "metrics", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_prometheus, "monitor"},
    {WM_READ, "cpu-load.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_cpu, "monitor"},
    {WM_READ, "current-users.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_users, "monitor"},
    {WM_READ, "disk-usage.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_disks, "monitor"},
    {WM_READ, "total-processes.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_processes, "monitor"},
    {WM_READ, "zombie-processes.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_zombies, "monitor"},
    {WM_READ, "background-jobs.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_jobs, "monitor"},
    {WM_READ, "other-issues.json", WM_SERVE_MONITOR, WM_AUTH_NONE, WM_FORM_API, WM_CORS_NONE,
     wm_h_monitor_issues, "monitor"},
    {WM_READ, "", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE, wm_h_page, "page"},
    {WM_READ, WM_PATH_SIGN_IN, WM_SERVE_DASHBOARD, WM_AUTH_NONE, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_sign_in_form, "sign-in-form"},
    {WM_POST, WM_PATH_SIGN_IN, WM_SERVE_DASHBOARD, WM_AUTH_NONE, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_sign_in, "sign-in"},
    {WM_POST, WM_PATH_SIGN_OUT, WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_sign_out, "sign-out"},
    {WM_READ, WM_PATH_REFUSED, WM_SERVE_DASHBOARD, WM_AUTH_NONE, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_refused, "refused"},
    {WM_READ, "assets/**", WM_SERVE_DASHBOARD, WM_AUTH_NONE, WM_FORM_PAGE, WM_CORS_NONE, wm_h_asset,
     "asset"},
    {WM_READ, "exports", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE, wm_h_page,
     "page"},
    {WM_POST, "exports", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_export_add, "export-add"},
    {WM_READ, "exports/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE, wm_h_page,
     "page"},
    {WM_READ, "exports/*/download", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_export_download, "export-download"},
    {WM_READ, "exports/*/progress", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_page, "page"},
    {WM_POST, "exports/*/cancel", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_export_change, "export-cancel"},
    {WM_POST, "exports/*/delete", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_export_change, "export-delete"},
    {WM_POST, "exports/*/repeat", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_export_change, "export-repeat"},
    {WM_POST, "columns/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_columns_keep, "columns"},
    {WM_POST, "destinations/*/test", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_destination_test, "destination-test"},
    {WM_READ, "jobs/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE, wm_h_page,
     "page"},
    {WM_READ, "jobs/*/progress", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_page, "page"},
    {WM_READ, "system/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE, wm_h_page,
     "page"},
    {WM_READ, "*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE, wm_h_page, "page"},
    {WM_POST, "alerts/acknowledge", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_alerts_acknowledge, "alerts"},
    {WM_POST, "alerts/*/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_alert_change, "alert"},
    {WM_POST, "participants/*/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_participant_change, "participant"},
    {WM_POST, "schedules/*/*", WM_SERVE_DASHBOARD, WM_AUTH_USER, WM_FORM_PAGE, WM_CORS_NONE,
     wm_h_schedule_change, "schedule"},
};

static const char *const method_names[] = {
#define X(name) #name,
    WM_METHODS(X)
#undef X
};

enum { METHOD_COUNT = sizeof method_names / sizeof *method_names };

static unsigned method_of(const char *name)
{
    for (int i = 0; i < METHOD_COUNT; i++)
        if (!strcmp(name, method_names[i]))
            return 1u << i;
    return 0;
}

const char *wm_route_methods(unsigned set, apr_pool_t *pool)
{
    const char *list = "";

    for (int i = 0; i < METHOD_COUNT; i++)
        if (set & 1u << i)
            list = apr_pstrcat(pool, list, *list ? ", " : "", method_names[i], NULL);
    return list;
}

/* Does PATH match PATTERN?  What the stars matched goes to CAPTURE. */
static int matches(const char *pattern, const char *path, const char **capture, apr_pool_t *pool)
{
    for (int captures = 0;;) {
        size_t want = strcspn(pattern, "/"), have = strcspn(path, "/");

        if (want == 2 && !strncmp(pattern, "**", 2)) {
            capture[captures] = path;
            return *path != 0;
        }
        if (want == 1 && *pattern == '*' && have)
            capture[captures++] = apr_pstrndup(pool, path, have);
        else if (want != have || strncmp(pattern, path, want))
            return 0;
        pattern += want;
        path += have;
        if (!*pattern || !*path)
            return !*pattern && !*path;
        pattern++;
        path++;
    }
}

/* Is the path one of WebmunkUploadAlias?  They are written with slashes as one likes. */
static int is_alias(const wm_http *h)
{
    const apr_array_header_t *list = wm_dir_upload_alias(h->r);

    for (int i = 0; list && i < list->nelts; i++) {
        const char *alias = APR_ARRAY_IDX(list, i, const char *);

        alias += strspn(alias, "/");
        if (*alias && !strcmp(alias, h->path))
            return 1;
    }
    return 0;
}

void wm_route_find(wm_http *h)
{
    unsigned serve = (unsigned)wm_dir_serve(h->r);
    const char *path = is_alias(h) ? UPLOAD_PATH : h->path, *meant = NULL;

    h->method = method_of(h->r->method);
    h->form = serve & WM_SERVE_DASHBOARD ? WM_FORM_PAGE : WM_FORM_UPLOAD;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const wm_route *route = &routes[i];
        const char *capture[WM_CAPTURES] = {NULL};

        if (!(route->serve & serve) || (meant && strcmp(route->path, meant)) ||
            !matches(route->path, path, capture, h->r->pool))
            continue;
        meant = route->path;
        h->allowed |= route->methods | WM_OPTIONS;
        h->form = route->form;
        h->cors = route->cors;
        if (h->route || !(route->methods & h->method))
            continue;
        h->route = route;
        memcpy(h->capture, capture, sizeof capture);
    }
    if (h->route) {
        h->form = h->route->form;
        apr_table_setn(h->r->notes, "webmunk-route", h->route->counter);
    }
}

/* What comes before the handler, and the handler. */
static const wm_err *run(wm_http *h)
{
    apr_pool_t *pool = h->r->pool;

    if (!h->allowed)
        return wm_err_make(pool, WM_E_NOT_FOUND, "no such path");
    if (h->method == WM_OPTIONS) {
        wm_http_set(h, "Allow", wm_route_methods(h->allowed, pool));
        return wm_reply_data(h, HTTP_OK, "text/plain", "", 0);
    }
    if (!h->route)
        return wm_err_make(pool, WM_E_METHOD, "not by this method");
    if (h->route->form == WM_FORM_UPLOAD && h->method == WM_HEAD)
        return wm_reply_data(h, HTTP_OK, "text/plain", "", 0);
    WM_TRY(wm_auth_admit(h));
    WM_TRY(h->route->handler(h));
    if (!h->reply.status)
        return wm_err_make(pool, WM_E_SYSTEM, "the handler prepared no answer");
    return NULL;
}

/* Bodies are inflated by us, within our bounds, or by nobody (vector 60). */
static void remove_inflater(request_rec *r)
{
    for (ap_filter_t *f = r->input_filters, *next; f; f = next) {
        next = f->next;
        if (!strcasecmp(f->frec->name, "DEFLATE"))
            ap_remove_input_filter(f);
    }
}

int wm_route_handle(request_rec *r)
{
    const wm_err *err;
    wm_http *h;

    if (!r->handler || strcmp(r->handler, "webmunk"))
        return DECLINED;
    h = wm_mount_claim(r);
    if (!h)
        h = wm_mount_adopt(r);
    remove_inflater(r);
    err = run(h);
    wm_http_db_done(h);
    if (err)
        wm_http_fail(h, err);
    else
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, "WM0100 %s %s %d",
                      h->route ? h->route->counter : "-", r->method, h->reply.status);
    return wm_http_send(h);
}
