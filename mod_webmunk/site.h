/* SPDX-License-Identifier: Apache-2.0 */
/* What the pages of a server are made from, read before the children start, so that all of them
 * serve the same and a broken template is a sentence of `httpd -t`. */
#ifndef WM_SITE_H
#define WM_SITE_H

#include <apr_hash.h>
#include <apr_pools.h>
#include <httpd.h>

#include "wm_csrf.h"
#include "wm_err.h"

struct wm_templates;

/* A style sheet, script or picture. */
typedef struct wm_asset {
    const char *type;
    const char *data;
    apr_size_t size;
    const char *etag; /* of the content, with its quotes */
} wm_asset;

typedef struct wm_site {
    const struct wm_templates *templates;
    const apr_hash_t *assets;     /* path below the directory -> wm_asset */
    const wm_csrf_secret *secret; /* of WebmunkSecretFile; NULL: that of the database */
} wm_site;

/* Read what WebmunkTemplateDir, WebmunkAssetDir and WebmunkSecretFile of S name.  Errors are
 * sentences for the administrator. */
const wm_err *wm_site_load(const wm_site **site, const server_rec *s, apr_pool_t *pool);

#endif
