/* SPDX-License-Identifier: Apache-2.0 */
/* One request, as handlers see it: arguments, small forms, cookies, and the reply they prepare.
 * Handlers never send: the dispatcher gives the database connection back, then sends. */
#ifndef WM_HTTP_H
#define WM_HTTP_H

#include <apr_tables.h>
#include <httpd.h>
#include <jansson.h>

#include "wm_db.h"
#include "wm_err.h"
#include "wm_log.h"

#include "route.h"

enum { WM_CAPTURES = 4, WM_SMALL_FORM_MAX = 64 * 1024 };

typedef struct wm_reply {
    int status; /* 0: nothing prepared yet */
    const char *type;
    const char *data;
    apr_size_t size;
    apr_file_t *file; /* sent instead of data when set */
    const char *etag; /* of the file: parts of it may be asked for */
} wm_reply;

typedef struct wm_http {
    request_rec *r;
    const char *mount; /* "/data": where the location is mounted; "" at the top */
    const char *path;  /* below it, decoded, runs of slashes are one, none at the ends */
    const char *capture[WM_CAPTURES]; /* what the stars of the route matched */
    const wm_route *route;            /* NULL: none at this path, or not with this method */
    unsigned method;                  /* WM_GET ...; 0: a method that no route knows */
    unsigned allowed;                 /* methods of all routes at this path; 0: no such path */
    wm_error_form form; /* of the route; by what the location serves when there is none */
    wm_cors cors;
    struct wm_loan *loan; /* the borrowed connection, or NULL */
    wm_log log;           /* for lib functions */
    wm_reply reply;
    const apr_table_t *args;   /* parsed by the first wm_http_arg */
    const apr_table_t *fields; /* parsed by wm_http_form */
    const char *advice;        /* on a page of ours, what helps against the error; or NULL */
    const char *stale_form;    /* why the sign-in form cannot be taken, in words; or NULL */
    int body_read;             /* the body was read whole */
    int answered;              /* httpd has sent an error answer of its own while reading */
    int vanished;              /* the sender went away: nobody to answer */
    int expected;              /* an error that the operator asked for: not worth an error line */
    int dropped;               /* by wm_http_drop */
} wm_http;

/* Borrow a database connection until the handler returns, or wm_http_db_done.  A second call gives
 * the same.  WM_E_BUSY when none comes free in time or the database is away. */
const wm_err *wm_http_db(wm_db **db, wm_http *h);

/* Give it back early: before a body is read and before anything slow. */
void wm_http_db_done(wm_http *h);

/* A value of the query string, decoded; NULL when absent; the last one counts when repeated. */
const char *wm_http_arg(wm_http *h, const char *name);

/* Read an urlencoded body of at most WM_SMALL_FORM_MAX bytes; wm_http_field answers from it.
 * WM_E_TYPE, WM_E_LIMIT, WM_E_INPUT.  Bad UTF-8 and U+0000 are WM_E_INPUT. */
const wm_err *wm_http_form(wm_http *h);
const char *wm_http_field(wm_http *h, const char *name);

/* A request header, NULL when absent. */
const char *wm_http_header(const wm_http *h, const char *name);

/* Nonzero when HEADER (may be NULL), a Content-Type, names TYPE, whatever its parameters. */
int wm_http_is_type(const char *header, const char *type);

/* The value of a cookie, NULL when absent. */
const char *wm_http_cookie(const request_rec *r, const char *name);

/* Set a cookie; it goes out with every answer of this request, errors too.  ATTRIBUTES is e.g.
 * "Path=/; Secure; HttpOnly; SameSite=Lax". */
void wm_http_set_cookie(request_rec *r, const char *name, const char *value,
                        const char *attributes);

/* Nonzero unless the browser says that another site made this request (Sec-Fetch-Site, else
 * Origin against Host). */
int wm_http_same_origin(const request_rec *r);

/* Prepare the answer to ERR and write its log line: the only place where an error becomes a status.
 * Sets h->reply, or marks the connection as dropped. */
void wm_http_fail(wm_http *h, const wm_err *err);

/* Send h->reply.  Returns what the content handler has to return. */
int wm_http_send(wm_http *h);

/* Nothing goes out, the connection closes (HTTP/2: the stream is reset). */
void wm_http_drop(wm_http *h);

/* An id of this request for log lines and error pages. */
const char *wm_http_id(const wm_http *h);

/* A response header; it goes out with errors too. */
void wm_http_set(wm_http *h, const char *name, const char *value);

/* Prepare the reply; they return NULL, so that a handler can end with them.  DATA must live as
 * long as the request. */
const wm_err *wm_reply_data(wm_http *h, int status, const char *type, const char *data,
                            apr_size_t size);
const wm_err *wm_reply_text(wm_http *h, int status, const char *text);
/* Takes over the reference ROOT; WM_E_SYSTEM when it is NULL. */
const wm_err *wm_reply_json(wm_http *h, int status, json_t *root);
/* 303 to PATH, which begins with a slash and is not of another host; else WM_E_SYSTEM. */
const wm_err *wm_reply_redirect(wm_http *h, const char *path);
/* The open FILE, which lives as long as the request, sent by httpd: sendfile, and the ranges that the
 * request asks for; ETAG with its quotes. */
const wm_err *wm_reply_file(wm_http *h, const char *type, apr_file_t *file, const char *etag);

#endif
