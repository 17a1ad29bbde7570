/* SPDX-License-Identifier: Apache-2.0 */
/* What Nagios scripts of the reference ask below /monitor/ (wire protocol, 21). */
#include <httpd.h>
#include <jansson.h>

#include "wm_health.h"
#include "wm_host.h"

#include "../config.h"
#include "../handlers.h"

/* As long as the reference looks; the answer waits for it, and who may ask is httpd's to say. */
#define LOOK (APR_USEC_PER_SEC)

const wm_err *wm_h_monitor_cpu(wm_http *h)
{
    double percent;
    const char *status;

    WM_TRY(wm_host_cpu(&percent, LOOK, h->r->pool));
    status = percent >= (double)wm_dir_monitor_cpu_critical(h->r)  ? "critical"
             : percent >= (double)wm_dir_monitor_cpu_warning(h->r) ? "warning"
                                                                   : "normal";
    return wm_reply_json(h, HTTP_OK,
                         json_pack("{s:f, s:s}", "cpu_percentage", percent, "cpu_status", status));
}

const wm_err *wm_h_monitor_users(wm_http *h)
{
    int users;

    WM_TRY(wm_host_users(&users, h->r->pool));
    return wm_reply_json(h, HTTP_OK, json_pack("{s:i}", "count", users));
}

const wm_err *wm_h_monitor_disks(wm_http *h)
{
    json_t *disks;

    WM_TRY(wm_host_disks(&disks, wm_dir_monitor_ignore_disk(h->r), h->r->pool));
    return wm_reply_json(h, HTTP_OK, json_incref(disks));
}

const wm_err *wm_h_monitor_processes(wm_http *h)
{
    int all, zombies;

    WM_TRY(wm_host_processes(&all, &zombies, h->r->pool));
    return wm_reply_json(h, HTTP_OK, json_pack("{s:i}", "count", all));
}

const wm_err *wm_h_monitor_zombies(wm_http *h)
{
    int all, zombies;

    WM_TRY(wm_host_processes(&all, &zombies, h->r->pool));
    return wm_reply_json(h, HTTP_OK, json_pack("{s:i}", "count", zombies));
}
