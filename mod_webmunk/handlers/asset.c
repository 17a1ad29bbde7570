/* SPDX-License-Identifier: Apache-2.0 */
/* Style sheets and scripts.  They come from a list that was read at start, so no path leads out of
 * it, and nothing that changed on disk meanwhile is half new. */
#include <string.h>

#include <apr_hash.h>
#include <httpd.h>

#include "../config.h"
#include "../conditional.h"
#include "../handlers.h"
#include "../site.h"

static int is_digest(const char *version, const wm_asset *asset)
{
    size_t size = version ? strlen(version) : 0;

    return size && size + 2 == strlen(asset->etag) && !strncmp(version, asset->etag + 1, size);
}

/* 304 when the browser has it; with ?v= and the content's digest it may be kept for ever. */
const wm_err *wm_h_asset(wm_http *h)
{
    const wm_site *site = wm_server_site(h->r->server);
    const char *version = wm_http_arg(h, "v");
    const wm_asset *asset =
        site ? apr_hash_get((apr_hash_t *)site->assets, h->capture[0], APR_HASH_KEY_STRING) : NULL;

    if (!asset)
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND, "there is no such asset");
    wm_http_set(h, "ETag", asset->etag);
    wm_http_set(h, "Cache-Control",
                is_digest(version, asset) ? "public, max-age=31536000, immutable"
                                          : "public, no-cache");
    if (wm_matches(h, asset->etag))
        return wm_reply_data(h, HTTP_NOT_MODIFIED, asset->type, "", 0);
    return wm_reply_data(h, HTTP_OK, asset->type, asset->data, asset->size);
}
