/* SPDX-License-Identifier: Apache-2.0 */
/* The archive of an export.  Who fetches it stands in the access log before the first byte leaves. */
#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <httpd.h>

#include "wm_json_own.h"

#include "../auth.h"
#include "../conditional.h"
#include "../config.h"
#include "../handlers.h"
#include "../page.h"
#include "export.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* NAME for a quoted string that every browser and file system takes as it is. */
static const char *safe_name(const char *name, apr_int64_t number, apr_pool_t *pool)
{
    char *safe = apr_pstrdup(
        pool, *name ? name : apr_psprintf(pool, "export-%" APR_INT64_T_FMT ".zip", number));

    for (char *c = safe; *c; c++)
        if (!apr_isalnum(*c) && !strchr("-_.", *c))
            *c = '-';
    if (*safe == '.')
        *safe = '-';
    return safe;
}

/* Below the folder, whatever the row says. */
static const wm_err *open_archive(apr_file_t **file, wm_http *h, const json_t *export)
{
    const char *folder = wm_server_export_dir(h->r->server), *path = text_of(export, "path");
    apr_pool_t *pool = h->r->pool;
    apr_status_t status;
    char *full;

    if (*path == '/' && !strncmp(path, folder, strlen(folder)) && path[strlen(folder)] == '/')
        path += strlen(folder) + 1;
    status = apr_filepath_merge(&full, folder, path, APR_FILEPATH_SECUREROOT, pool);
    if (status == APR_SUCCESS && *path)
        status = apr_file_open(file, full, APR_FOPEN_READ | APR_FOPEN_SENDFILE_ENABLED, 0, pool);
    else if (status == APR_SUCCESS)
        status = APR_ENOENT;
    if (status != APR_SUCCESS)
        return wm_err_apr(pool, status, "the archive \"%s\" cannot be read in WebmunkExportDir %s",
                          path, folder);
    return NULL;
}

/* Does the request continue a download that broke off? */
static int goes_on(const wm_http *h)
{
    const char *range = wm_http_header(h, "Range");

    return range && strncmp(range, "bytes=0-", 8) != 0;
}

static const wm_err *record(wm_http *h, wm_db *db, apr_int64_t number, const json_t *export)
{
    const char *range = wm_http_header(h, "Range");
    apr_pool_t *pool = h->r->pool;
    json_t *extent =
        wm_json_own(json_pack("{s:O?, s:O?, s:s*}", "rows", json_object_get(export, "rows"),
                              "bytes", json_object_get(export, "bytes"), "range",
                              range ? apr_pstrndup(pool, range, 100) : NULL),
                    pool);

    WM_TRY(wm_db_begin(db, pool));
    if (!goes_on(h))
        WM_TRY(
            wm_db_do(NULL, db, WM_SQL_PAGE_EXPORT_COUNT_DOWNLOAD, WM_ARGS(WM_I64(number)), pool));
    WM_TRY(wm_export_record(h, db, "export-download", number,
                            json_integer_value(json_object_get(export, "study")),
                            json_object_get(export, "definition"), NULL, extent));
    return wm_db_commit(db, pool);
}

const wm_err *wm_h_export_download(wm_http *h)
{
    apr_pool_t *pool = h->r->pool;
    const char *etag, *name;
    apr_int64_t number;
    apr_file_t *file;
    json_t *export;
    wm_db *db;

    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_export_of(&export, &number, h, db));
    WM_TRY(wm_page_export_permit(wm_auth_known(h->r)->account,
                                 json_integer_value(json_object_get(export, "study")),
                                 json_object_get(export, "definition"), pool));
    if (json_is_true(json_object_get(export, "gone")))
        return wm_err_make(pool, WM_E_GONE, "export %s has expired", h->capture[0]);
    if (strcmp(text_of(export, "state"), "ready"))
        return wm_err_make(pool, WM_E_CONFLICT, "export %s is not ready", h->capture[0]);
    etag = apr_pstrcat(pool, "\"", text_of(export, "sha256"), "\"", NULL);
    if (wm_matches(h, etag)) {
        wm_http_set(h, "ETag", etag);
        return wm_reply_data(h, HTTP_NOT_MODIFIED, NULL, "", 0);
    }
    WM_TRY(open_archive(&file, h, export));
    if (!h->r->header_only)
        WM_TRY(record(h, db, number, export));
    wm_http_db_done(h);
    name = safe_name(text_of(export, "name"), number, pool);
    wm_http_set(h, "Content-Disposition",
                apr_pstrcat(pool, "attachment; filename=\"", name, "\"", NULL));
    return wm_reply_file(h, "application/zip", file, etag);
}
