/* SPDX-License-Identifier: Apache-2.0 */
/* How the server is, for monitors: the newest sample as JSON, and as Prometheus and Nagios read it.  Who may ask
 * is httpd's to say (Require); there is nothing about a participant in it. */
#include <httpd.h>
#include <jansson.h>

#include "wm_health.h"

#include "../handlers.h"

static const wm_err *ask(json_t **health, wm_http *h)
{
    wm_db *db;

    WM_TRY(wm_http_db(&db, h));
    return wm_health_newest(health, db, h->r->request_time, h->r->pool);
}

const wm_err *wm_h_monitor_json(wm_http *h)
{
    json_t *health;

    WM_TRY(ask(&health, h));
    return wm_reply_json(h, HTTP_OK, json_incref(health));
}

const wm_err *wm_h_monitor_jobs(wm_http *h)
{
    json_t *health;

    WM_TRY(ask(&health, h));
    return wm_reply_json(h, HTTP_OK, json_incref(wm_health_jobs(health, h->r->pool)));
}

const wm_err *wm_h_monitor_issues(wm_http *h)
{
    json_t *health;

    WM_TRY(ask(&health, h));
    return wm_reply_json(h, HTTP_OK, json_incref(wm_health_issues(health, h->r->pool)));
}

const wm_err *wm_h_monitor_prometheus(wm_http *h)
{
    wm_buf *text = wm_buf_create(NULL, h->r->pool);
    json_t *health;

    WM_TRY(ask(&health, h));
    WM_TRY(wm_health_prometheus(text, health, h->r->pool));
    return wm_reply_data(h, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text->data,
                         text->size);
}
