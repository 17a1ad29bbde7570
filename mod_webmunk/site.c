/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <httpd.h>
#include <sodium.h>

#include "wm_mustache.h"
#include "wm_page.h"

#include "config.h"
#include "site.h"

enum { ASSET_MAX = 8 * 1024 * 1024, DEPTH_MAX = 3 };

static const struct {
    const char *suffix, *type;
} types[] = {
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
};

/* NULL for what browsers are not meant to load: package lists, sources. */
static const char *type_of(const char *name)
{
    size_t size = strlen(name);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t suffix = strlen(types[i].suffix);

        if (size > suffix && !strcmp(name + size - suffix, types[i].suffix))
            return types[i].type;
    }
    return NULL;
}

static const char *etag_of(const char *data, apr_size_t size, apr_pool_t *pool)
{
    unsigned char digest[16];
    char hex[2 * sizeof digest + 1];

    crypto_generichash(digest, sizeof digest, (const unsigned char *)data, size, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, digest, sizeof digest);
    return apr_pstrcat(pool, "\"", hex, "\"", NULL);
}

static const wm_err *read_asset(apr_hash_t *assets, const char *path, const char *name,
                                apr_pool_t *pool)
{
    wm_asset *asset = apr_pcalloc(pool, sizeof *asset);
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, pool);
    char *data;

    if (rv == APR_SUCCESS)
        rv = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "reading %s", path);
    if (info.size > ASSET_MAX)
        return wm_err_make(pool, WM_E_INPUT, "%s is larger than %d bytes", path, ASSET_MAX);
    data = apr_palloc(pool, (apr_size_t)info.size + 1);
    rv = apr_file_read_full(file, data, (apr_size_t)info.size, &asset->size);
    apr_file_close(file);
    if (rv != APR_SUCCESS && rv != APR_EOF)
        return wm_err_apr(pool, rv, "reading %s", path);
    asset->data = data;
    asset->type = type_of(name);
    asset->etag = etag_of(data, asset->size, pool);
    apr_hash_set(assets, name, APR_HASH_KEY_STRING, asset);
    return NULL;
}

/* All files of a known kind below DIR, by their path from there.  What npm keeps is none of ours. */
static const wm_err *read_assets(apr_hash_t *assets, const char *dir, const char *prefix, int depth,
                                 apr_pool_t *pool)
{
    apr_dir_t *entries;
    apr_finfo_t info;
    apr_status_t rv = apr_dir_open(&entries, dir, pool);

    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "WebmunkAssetDir %s", dir);
    while (apr_dir_read(&info, APR_FINFO_NAME | APR_FINFO_TYPE, entries) == APR_SUCCESS) {
        const char *path = apr_pstrcat(pool, dir, "/", info.name, NULL);
        const char *name = apr_pstrcat(pool, prefix, info.name, NULL);

        if (*info.name == '.' || !strcmp(info.name, "node_modules"))
            continue;
        if (info.filetype == APR_DIR && depth < DEPTH_MAX)
            WM_TRY(read_assets(assets, path, apr_pstrcat(pool, name, "/", NULL), depth + 1, pool));
        else if (info.filetype != APR_DIR && type_of(info.name))
            WM_TRY(read_asset(assets, path, name, pool));
    }
    apr_dir_close(entries);
    return NULL;
}

/* Every page has its template. */
static const wm_err *check_templates(const wm_templates *set, const char *dir, apr_pool_t *pool)
{
    static const char *const more[] = {"signin", "error"};

    for (const wm_page *page = wm_pages; page->path; page++)
        if (!wm_templates_has(set, page->template))
            return wm_err_make(pool, WM_E_INPUT, "WebmunkTemplateDir %s has no %s.mustache", dir,
                               page->template);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (!wm_templates_has(set, more[i]))
            return wm_err_make(pool, WM_E_INPUT, "WebmunkTemplateDir %s has no %s.mustache", dir,
                               more[i]);
    return NULL;
}

/* The default file need not exist: then the database has the secret. */
static const wm_err *read_secret(wm_site *site, const char *path, apr_pool_t *pool)
{
    wm_csrf_secret *secret = apr_pcalloc(pool, sizeof *secret);
    apr_finfo_t info;

    if (!path || APR_STATUS_IS_ENOENT(apr_stat(&info, path, APR_FINFO_TYPE, pool)) ||
        APR_STATUS_IS_ENOTDIR(apr_stat(&info, path, APR_FINFO_TYPE, pool)))
        return NULL;
    WM_TRY(wm_err_wrap(pool, wm_csrf_secret_file(secret, path, pool), "WebmunkSecretFile"));
    site->secret = secret;
    return NULL;
}

const wm_err *wm_site_load(const wm_site **result, const server_rec *s, apr_pool_t *pool)
{
    const char *dir = wm_server_template_dir(s);
    wm_site *site = apr_pcalloc(pool, sizeof *site);
    apr_hash_t *assets = apr_hash_make(pool);
    wm_templates *templates;

    WM_TRY(wm_err_wrap(pool, wm_templates_load(&templates, dir, pool), "WebmunkTemplateDir"));
    WM_TRY(check_templates(templates, dir, pool));
    WM_TRY(read_assets(assets, wm_server_asset_dir(s), "", 0, pool));
    WM_TRY(read_secret(site, wm_server_secret_file(s), pool));
    site->templates = templates;
    site->assets = assets;
    *result = site;
    return NULL;
}
