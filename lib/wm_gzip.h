/* SPDX-License-Identifier: Apache-2.0 */
/* Gzip in memory: bounded inflating of what clients send (wire protocol 7.3), and the compression
 * of bodies that are kept. */
#ifndef WM_GZIP_H
#define WM_GZIP_H

#include "wm_buf.h"
#include "wm_err.h"

typedef enum {
    WM_GZIP_GOOD,
    WM_GZIP_BAD,      /* no gzip, damaged, cut off, or a wrong trailer */
    WM_GZIP_TOO_LARGE /* more than the maximum */
} wm_gzip_result;

/* Append what the gzip data DATA inflate to to OUT, at most MAX bytes, and set RESULT.  Several
 * members may follow each other; bytes after a good member that are not another good member are
 * ignored, but a member whose data end too early makes everything bad.  Bad and too large are
 * content, not an error: OUT is as it was then (its room may have grown).  Fails like
 * wm_buf_reserve. */
const wm_err *wm_gzip_inflate(wm_gzip_result *result, wm_buf *out, const char *data, size_t size,
                              size_t max);

/* Append DATA to OUT as one gzip member, compressed with the fastest level.  Fails like
 * wm_buf_reserve. */
const wm_err *wm_gzip_deflate(wm_buf *out, const char *data, size_t size);

#endif
