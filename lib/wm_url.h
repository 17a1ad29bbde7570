/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WM_URL_H
#define WM_URL_H

#include <apr_pools.h>

/* TEXT percent-encoded for an address, but for the unreserved characters (RFC 3986, 2.3) and those of
 * KEEP ("/" for a path, "" for an argument); in POOL. */
const char *wm_url_escape(const char *text, const char *keep, apr_pool_t *pool);

#endif
