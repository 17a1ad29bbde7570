/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the body of a request: bounded in size and in time. */
#ifndef WM_BODY_H
#define WM_BODY_H

#include "http.h"

enum { WM_BODY_IN_MEMORY = 1 << 20 };

/* The filter that keeps wm_body_read to its time, once per process. */
void wm_body_register_filter(void);

/* Read the body of H, at most MAX bytes: up to WM_BODY_IN_MEMORY in memory, beyond that in an
 * unlinked file of WebmunkTempDir, which is then mapped.  *DATA lives in r->pool and is never NULL.
 * WM_E_LIMIT over MAX, by Content-Length before anything is read; WM_E_TIMEOUT when it comes more
 * slowly than WebmunkBodyTimeout, WebmunkBodyRate and WebmunkBodyTimeMax allow; WM_E_INPUT when it ends early (then
 * h->vanished is set) or is not framed as HTTP wants; WM_E_BUSY when WebmunkTempDir cannot take it. */
const wm_err *wm_body_read(const char **data, size_t *size, wm_http *h, apr_off_t max);

#endif
