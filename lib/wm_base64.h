/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 as clients send it (wire protocol 7.3): wrapped lines, unescaped plus signs, the URL-safe
 * alphabet, missing padding. */
#ifndef WM_BASE64_H
#define WM_BASE64_H

#include "wm_buf.h"
#include "wm_err.h"

/* Append what the base64 text DATA stands for to OUT and set GOOD.  CR, LF and tabs are skipped, a
 * blank is read as +, - and _ as + and /, padding may be missing.  With URLENCODED, DATA is
 * the text of a urlencoded form as it came (+ is a blank, %XX a character), which saves a pass.
 * Foreign characters, = before the end, and a single left-over character are content, not an
 * error: GOOD is 0 then and OUT as it was.  Fails like wm_buf_reserve. */
const wm_err *wm_base64_decode(int *good, wm_buf *out, const char *data, size_t size,
                               int urlencoded);

#endif
