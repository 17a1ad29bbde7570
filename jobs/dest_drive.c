/* SPDX-License-Identifier: Apache-2.0 */
/* Google Drive as a service account.  A file of the name is replaced, not doubled. */
#include <string.h>

#include <apr_md5.h>
#include <apr_strings.h>
#include <sodium.h>
#include <unistd.h>

#include "dest_drive.h"
#include "wm_json_own.h"
#include "wm_url.h"

const wm_err *wm_drive_expect(const wm_fetch_answer *answer, const char *doing, apr_pool_t *pool)
{
    if (strstr(answer->body, "storageQuotaExceeded"))
        return wm_err_make(
            pool, WM_E_BUSY,
            "Google Drive is full: make room, or use a shared drive (a service account has"
            " little of its own)");
    if (strstr(answer->body, "ateLimitExceeded"))
        return wm_err_make(pool, WM_E_BUSY, "Google Drive asks to come again later: %s", doing);
    return wm_fetch_expect(answer, "Google Drive", doing, pool);
}

static const wm_err *call(wm_fetch_answer *answer, const wm_drive *d, const char *method,
                          const char *path, const char *text)
{
    const char *headers[] = {d->bearer, "Content-Type: application/json; charset=UTF-8", NULL};
    wm_fetch_request r = {.url = apr_pstrcat(d->send->pool, d->api, path, NULL),
                          .peer = "Google Drive",
                          .method = method,
                          .headers = headers,
                          .has_body = text != NULL,
                          .body = text,
                          .size = text ? (apr_int64_t)strlen(text) : 0,
                          .timeout = apr_time_from_sec(120)};

    return wm_fetch_do(answer, d->send->fetch, &r, d->send->pool);
}

/* The file of our name in the folder, or NULL. */
static const wm_err *find(json_t **file, const wm_drive *d)
{
    apr_pool_t *pool = d->send->pool;
    const char *quoted = "", *query;
    wm_fetch_answer answer;
    json_t *root;

    for (const char *c = d->name; *c; c++)
        quoted =
            apr_pstrcat(pool, quoted, *c == '\'' ? "\\" : "", apr_pstrmemdup(pool, c, 1), NULL);
    query =
        apr_psprintf(pool, "name='%s' and '%s' in parents and trashed=false", quoted, d->folder);
    WM_TRY(call(
        &answer, d, NULL,
        apr_pstrcat(pool,
                    "/drive/v3/files?supportsAllDrives=true&includeItemsFromAllDrives=true&fields="
                    "files(id,size,md5Checksum)&q=",
                    wm_url_escape(query, "", pool), NULL),
        NULL));
    WM_TRY(wm_drive_expect(&answer, "a look at the folder", pool));
    WM_TRY(wm_json_own_parse(&root, answer.body, answer.size, pool));
    *file = json_array_get(json_object_get(root, "files"), 0);
    return NULL;
}

static const char *id_of(const json_t *file)
{
    return json_string_value(json_object_get(file, "id"));
}

static const wm_err *begin(const char **session, wm_drive *d)
{
    const char *path = "/upload/drive/v3/files?uploadType=resumable&supportsAllDrives=true";
    apr_pool_t *pool = d->send->pool;
    wm_fetch_answer answer;
    json_t *old, *about;

    WM_TRY(find(&old, d));
    if (id_of(old)) {
        about = json_object();
        path = apr_psprintf(pool,
                            "/upload/drive/v3/files/%s?uploadType=resumable&supportsAllDrives=true",
                            wm_url_escape(id_of(old), "", pool));
    } else {
        about = json_pack("{s:s, s:[s]}", "name", d->name, "parents", d->folder);
    }
    WM_TRY(call(&answer, d, id_of(old) ? "PATCH" : "POST", path,
                wm_json_own_text(wm_json_own(about, pool), pool)));
    WM_TRY(wm_drive_expect(&answer, "beginning an upload", pool));
    *session = apr_table_get(answer.headers, "Location");
    if (!*session)
        return wm_err_make(pool, WM_E_BUSY, "Google Drive gave no upload session");
    return wm_fetch_check_url(*session, "the upload session", pool);
}

static const wm_err *send_file(wm_dest_send *send)
{
    wm_drive d;

    WM_TRY(wm_drive_open(&d, send));
    return wm_drive_upload(&d, begin);
}

static const wm_err *md5_of(char hex[33], const wm_dest_send *send)
{
    unsigned char chunk[16384], md5[APR_MD5_DIGESTSIZE];
    apr_int64_t offset = 0;
    apr_md5_ctx_t m;
    ssize_t got;

    apr_md5_init(&m);
    for (; (got = pread(send->fd, chunk, sizeof chunk, (off_t)offset)) > 0; offset += got)
        apr_md5_update(&m, chunk, (apr_size_t)got);
    apr_md5_final(md5, &m);
    sodium_bin2hex(hex, 33, md5, sizeof md5);
    return offset == send->size
               ? NULL
               : wm_err_make(send->pool, WM_E_SYSTEM, "the archive cannot be read to its end");
}

static const wm_err *verify(wm_dest_send *send)
{
    const char *size, *md5;
    char hex[33];
    json_t *file;
    wm_drive d;

    WM_TRY(wm_drive_open(&d, send));
    WM_TRY(find(&file, &d));
    WM_TRY(md5_of(hex, send));
    size = json_string_value(json_object_get(file, "size"));
    md5 = json_string_value(json_object_get(file, "md5Checksum"));
    send->remote_bytes = size ? apr_atoi64(size) : -1;
    if (send->remote_bytes != send->size || !md5 || strcmp(md5, hex))
        return wm_err_make(send->pool, WM_E_BUSY, "Google Drive has other bytes than were sent");
    send->remote_checksum = apr_pstrcat(send->pool, "md5 ", md5, NULL);
    return NULL;
}

static const wm_err *remove_file(wm_dest_send *send)
{
    wm_fetch_answer answer;
    json_t *file;
    wm_drive d;

    WM_TRY(wm_drive_open(&d, send));
    WM_TRY(find(&file, &d));
    if (!id_of(file))
        return NULL;
    WM_TRY(
        call(&answer, &d, "DELETE",
             apr_pstrcat(send->pool, "/drive/v3/files/", wm_url_escape(id_of(file), "", send->pool),
                         "?supportsAllDrives=true", NULL),
             NULL));
    return wm_drive_expect(&answer, "removing a file", send->pool);
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    const char *folder = json_string_value(json_object_get(settings, "folder"));
    const char *api = json_string_value(json_object_get(settings, "api_url"));

    if (json_integer_value(json_object_get(settings, "piece_mib")) > 1024)
        return wm_err_make(pool, WM_E_INPUT, "the setting \"piece_mib\" must be 1 to 1024");
    if (strpbrk(folder, "'\\/ "))
        return wm_err_make(pool, WM_E_INPUT,
                           "the setting \"folder\" must be the id in the folder's address");
    return api ? wm_fetch_check_url(api, "the setting \"api_url\"", pool) : NULL;
}

const wm_dest_kind wm_dest_drive = {
    .name = "drive",
    .summary = "a folder of Google Drive, as a service account",
    .secret = "the service account's JSON file, with client_email and private_key",
    .keys = {{"folder", WM_DEST_TEXT, 1, "the id of the folder, shared with the service account"},
             {"piece_mib", WM_DEST_NUMBER, 0, "how much is sent at once, in MiB (default: 32)"},
             {"api_url", WM_DEST_TEXT, 0, "another address than https://www.googleapis.com"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_file,
};
