/* SPDX-License-Identifier: Apache-2.0 */
/* All handlers, for the route table.  Each is described where it is written. */
#ifndef WM_HANDLERS_H
#define WM_HANDLERS_H

#include "http.h"

const wm_err *wm_h_alert_change(wm_http *h);
const wm_err *wm_h_alerts_acknowledge(wm_http *h);
const wm_err *wm_h_asset(wm_http *h);
const wm_err *wm_h_bundle_add(wm_http *h);
const wm_err *wm_h_columns_keep(wm_http *h);
const wm_err *wm_h_destination_test(wm_http *h);
const wm_err *wm_h_export_add(wm_http *h);
const wm_err *wm_h_export_change(wm_http *h);
const wm_err *wm_h_export_download(wm_http *h);
const wm_err *wm_h_health(wm_http *h);
const wm_err *wm_h_monitor_cpu(wm_http *h);
const wm_err *wm_h_monitor_disks(wm_http *h);
const wm_err *wm_h_monitor_issues(wm_http *h);
const wm_err *wm_h_monitor_jobs(wm_http *h);
const wm_err *wm_h_monitor_json(wm_http *h);
const wm_err *wm_h_monitor_processes(wm_http *h);
const wm_err *wm_h_monitor_prometheus(wm_http *h);
const wm_err *wm_h_monitor_users(wm_http *h);
const wm_err *wm_h_monitor_zombies(wm_http *h);
const wm_err *wm_h_page(wm_http *h);
const wm_err *wm_h_participant_change(wm_http *h);
const wm_err *wm_h_point_add(wm_http *h);
const wm_err *wm_h_refused(wm_http *h);
const wm_err *wm_h_schedule_change(wm_http *h);
const wm_err *wm_h_sign_in(wm_http *h);
const wm_err *wm_h_sign_in_form(wm_http *h);
const wm_err *wm_h_sign_out(wm_http *h);

#endif
