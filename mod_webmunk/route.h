/* SPDX-License-Identifier: Apache-2.0 */
/* The route table and the dispatcher.  A new address is one row in route.c. */
#ifndef WM_ROUTE_H
#define WM_ROUTE_H

#include <httpd.h>

#include "wm_err.h"

struct wm_http;

/* Methods are matched by name: CREATE has no number (wire protocol, section 25).  The order is
 * that of Allow. */
#define WM_METHODS(X) \
    X(CREATE)         \
    X(POST)           \
    X(PUT)            \
    X(GET)            \
    X(HEAD)           \
    X(OPTIONS)        \
    X(DELETE)

enum {
#define X(name) WM_METHOD_PLACE_##name,
    WM_METHODS(X)
#undef X
#define X(name) WM_##name = 1 << WM_METHOD_PLACE_##name,
        WM_METHODS(X)
#undef X
            WM_UPLOAD_METHODS = WM_CREATE | WM_POST | WM_PUT | WM_HEAD | WM_OPTIONS,
    WM_READ = WM_GET | WM_HEAD,
    WM_UNSAFE = WM_CREATE | WM_POST | WM_PUT | WM_DELETE
};

/* Whom httpd must have recognised before the handler is called. */
typedef enum {
    WM_AUTH_NONE,
    WM_AUTH_USER /* r->user is set: AuthType webmunk or any other; unsafe methods need a page of
                    ours as their origin */
} wm_auth;

/* How errors look. */
typedef enum {
    WM_FORM_UPLOAD, /* text/plain, never JSON; CREATE is answered by a dropped connection */
    WM_FORM_API,    /* {"error": ...} */
    WM_FORM_PAGE    /* HTML */
} wm_error_form;

/* Access-Control-* headers (4.2). */
typedef enum { WM_CORS_NONE, WM_CORS_UPLOAD, WM_CORS_OPEN } wm_cors;

typedef const wm_err *(*wm_handler)(struct wm_http *h);

typedef struct wm_route {
    unsigned methods; /* WM_GET | ...; several rows may share a path.  HEAD and OPTIONS never
                           reach the handler of an upload address; HEAD of others runs as GET */
    const char *path; /* below the mount, without slashes at its ends; a segment "*" matches any
                           one segment, a last segment "**" the rest; captures in h->capture */
    unsigned serve;   /* WM_SERVE_...: groups that have it */
    wm_auth auth;
    wm_error_form form;
    wm_cors cors;
    wm_handler handler;
    const char *counter; /* short name, in the log line and in the note "webmunk-route", which
                            LogFormat shows by %{webmunk-route}n */
} wm_route;

/* Content handler: DECLINED unless r->handler is "webmunk". */
int wm_route_handle(request_rec *r);

/* Fill method, allowed, route, captures, form and cors of H from its path and method, by the
 * groups that its location serves. */
void wm_route_find(struct wm_http *h);

/* The methods of SET as in Allow: "CREATE, POST". */
const char *wm_route_methods(unsigned set, apr_pool_t *pool);

#endif
