/* SPDX-License-Identifier: Apache-2.0 */
/* All handlers, for the route table.  Each is described where it is written. */
#ifndef WM_HANDLERS_H
#define WM_HANDLERS_H

#include "http.h"

const wm_err *wm_h_bundle_add(wm_http *h);
const wm_err *wm_h_health(wm_http *h);
const wm_err *wm_h_point_add(wm_http *h);

#endif
