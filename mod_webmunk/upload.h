/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the body of an upload: bounded in size and in time. */
#ifndef WM_UPLOAD_H
#define WM_UPLOAD_H

#include "wm_bundle.h"

#include "http.h"

/* Read the body of H: up to 1 MB in memory, beyond that in an unlinked file that is then mapped.
 * The result lives in r->pool.  WM_E_TYPE for content types of 4.3 that are none of ours,
 * WM_E_LIMIT over WebmunkBodyMax (by Content-Length before anything is read), WM_E_TIMEOUT when it
 * comes too slowly, WM_E_INPUT when it ends early (h->vanished is set), WM_E_BUSY when the
 * temporary directory is full. */
const wm_err *wm_upload_read(wm_upload **upload, wm_http *h);

#endif
