/* SPDX-License-Identifier: Apache-2.0 */
/* What a request to an upload address carries (wire protocol 4.3, 9). */
#ifndef WM_UPLOAD_H
#define WM_UPLOAD_H

#include "wm_bundle.h"

#include "http.h"

/* Read the body of H and say of what form it is.  The result lives in r->pool.  WM_E_TYPE, before
 * anything is read, for a POST of another content type than those of 4.3; else as wm_body_read. */
const wm_err *wm_upload_read(wm_upload **upload, wm_http *h);

#endif
