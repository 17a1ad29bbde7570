/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 and Unicode's table 3-7 have it: no overlong forms, no surrogates. */
#ifndef WM_UTF8_H
#define WM_UTF8_H

#include <stddef.h>
#include <apr_pools.h>

#include "wm_point.h"

/* U+FFFD, what stands for a byte sequence that is no character. */
#define WM_UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character at DATA (before END), and GOOD = 1; or the bytes of the longest beginning
 * of a character there, at least one, and GOOD = 0: one replacement stands for them. */
size_t wm_utf8_step(const char *data, const char *end, int *good);

/* Whether all of DATA up to END is UTF-8. */
int wm_utf8_valid(const char *data, const char *end);

/* Characters of valid UTF-8. */
size_t wm_utf8_count(const char *data, size_t size);

/* Write the UTF-8 of CODE, which is no surrogate, to OUT (4 bytes of room) and return its size. */
size_t wm_utf8_put(char *out, apr_uint32_t code);

/* Make TEXT, raw bytes of a client, storable: U+0000 goes, bad UTF-8 becomes U+FFFD.  A copy in POOL
 * is made only when something changes.  Returns the flags that tell what did (wm_point_flag). */
apr_uint32_t wm_utf8_repair(wm_text *text, apr_pool_t *pool);

#endif
