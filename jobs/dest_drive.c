/* SPDX-License-Identifier: Apache-2.0 */
/* Google Drive as a service account: a token signed with RS256 (RFC 7515), by libcrypto because libsodium
 * has no RSA.  A file of the name is replaced, not doubled.  The address of a resumable session is as good
 * as a password, so it is kept in no row: an interrupted upload begins again. */
#include <string.h>

#include <apr_md5.h>
#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <unistd.h>

#include "dest.h"
#include "secret.h"
#include "wm_json_own.h"
#include "wm_url.h"

typedef struct drive {
    wm_dest_send *send;
    const char *api, *name, *folder, *bearer;
} drive;

static const char *base64url(const void *data, size_t size, apr_pool_t *pool)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t room = sodium_base64_encoded_len(size, variant);

    return sodium_bin2base64(apr_palloc(pool, room), room, data, size, variant);
}

static const char *sign(const char *text, const char *pem, apr_pool_t *pool)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char out[1024];
    size_t size = sizeof out;
    int good = key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
               EVP_DigestSign(ctx, out, &size, (const unsigned char *)text, strlen(text)) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good ? base64url(out, size, pool) : NULL;
}

static const char *member(const wm_fetch_answer *answer, const char *name, apr_pool_t *pool)
{
    json_t *root;

    if (wm_json_own_parse(&root, answer->body, answer->size, pool))
        return NULL;
    return json_string_value(json_object_get(root, name));
}

static const wm_err *get_token(drive *d, const char *mail, const char *pem)
{
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const char *own = wm_dest_text(d->send, "api_url");
    apr_pool_t *pool = d->send->pool;
    apr_int64_t now = apr_time_sec(apr_time_now());
    const char *url =
        own ? apr_pstrcat(pool, own, "/token", NULL) : "https://oauth2.googleapis.com/token";
    const char *claims, *text, *signature, *form, *token;
    wm_fetch_answer answer;

    claims = wm_json_own_text(
        wm_json_own(json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", mail, "scope",
                              "https://www.googleapis.com/auth/drive", "aud", url, "iat",
                              (json_int_t)now, "exp", (json_int_t)now + 3600),
                    pool),
        pool);
    text = apr_pstrcat(pool, base64url(head, sizeof head - 1, pool), ".",
                       base64url(claims, strlen(claims), pool), NULL);
    signature = sign(text, pem, pool);
    if (!signature)
        return wm_err_make(pool, WM_E_INPUT, "the secret's \"private_key\" is no RSA key in PEM");
    form = apr_pstrcat(
        pool, "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=", text,
        ".", signature, NULL);
    wm_fetch_request r = {.url = url,
                          .peer = "Google",
                          .method = "POST",
                          .headers = headers,
                          .has_body = 1,
                          .body = form,
                          .size = (apr_int64_t)strlen(form),
                          .timeout = apr_time_from_sec(60)};
    WM_TRY(wm_fetch_do(&answer, d->send->fetch, &r, pool));
    if (answer.status == 400)
        return wm_err_make(pool, WM_E_INPUT,
                           "Google refused the service account's key: make a new one");
    WM_TRY(wm_fetch_expect(&answer, "Google", "an access token", pool));
    token = member(&answer, "access_token", pool);
    if (!token || strpbrk(token, "\r\n"))
        return wm_err_make(pool, WM_E_BUSY, "Google gave no access token");
    d->bearer = apr_pstrcat(pool, "Authorization: Bearer ", token, NULL);
    return NULL;
}

/* It has line breaks, which wm_dest_secret refuses. */
static const wm_err *pem_of(const char **pem, const wm_dest_send *send)
{
    json_t *root;

    WM_TRY(wm_secret_json(&root, send->secret_name, send->pool));
    *pem = json_string_value(json_object_get(root, "private_key"));
    return *pem ? NULL
                : wm_err_make(send->pool, WM_E_INPUT,
                              "the secret \"%s\" needs a text \"private_key\"", send->secret_name);
}

static const wm_err *open_drive(drive *d, wm_dest_send *send)
{
    const char *api = wm_dest_text(send, "api_url"), *slash = strrchr(send->object, '/');
    const char *mail, *pem;

    memset(d, 0, sizeof *d);
    d->send = send;
    d->api = api ? api : "https://www.googleapis.com";
    d->folder = wm_dest_text(send, "folder");
    d->name = slash ? slash + 1 : send->object;
    WM_TRY(wm_dest_secret(&mail, send, "client_email"));
    WM_TRY(pem_of(&pem, send));
    return get_token(d, mail, pem);
}

static const wm_err *expect(const wm_fetch_answer *answer, const char *doing, apr_pool_t *pool)
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

static const wm_err *call(wm_fetch_answer *answer, const drive *d, const char *method,
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
static const wm_err *find(json_t **file, const drive *d)
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
    WM_TRY(expect(&answer, "a look at the folder", pool));
    WM_TRY(wm_json_own_parse(&root, answer.body, answer.size, pool));
    *file = json_array_get(json_object_get(root, "files"), 0);
    return NULL;
}

static const char *id_of(const json_t *file)
{
    return json_string_value(json_object_get(file, "id"));
}

static const wm_err *send_file(wm_dest_send *send)
{
    apr_pool_t *pool = send->pool;
    const char *headers[] = {"Content-Type: application/octet-stream", "Expect:", NULL};
    const char *path = "/upload/drive/v3/files?uploadType=resumable&supportsAllDrives=true",
               *session;
    wm_fetch_answer answer;
    json_t *old, *about;
    drive d;

    WM_TRY(open_drive(&d, send));
    WM_TRY(find(&old, &d));
    if (id_of(old)) {
        about = json_object();
        path = apr_psprintf(pool,
                            "/upload/drive/v3/files/%s?uploadType=resumable&supportsAllDrives=true",
                            wm_url_escape(id_of(old), "", pool));
    } else {
        about = json_pack("{s:s, s:[s]}", "name", d.name, "parents", d.folder);
    }
    WM_TRY(call(&answer, &d, id_of(old) ? "PATCH" : "POST", path,
                wm_json_own_text(wm_json_own(about, pool), pool)));
    WM_TRY(expect(&answer, "beginning an upload", pool));
    session = apr_table_get(answer.headers, "Location");
    if (!session)
        return wm_err_make(pool, WM_E_BUSY, "Google Drive gave no upload session");
    WM_TRY(wm_fetch_check_url(session, "the upload session", pool));
    wm_fetch_request put = {.url = session,
                            .peer = "Google Drive",
                            .headers = headers,
                            .has_body = 1,
                            .fd = send->fd,
                            .size = send->size,
                            .sent = wm_dest_count,
                            .ctx = send};
    WM_TRY(wm_fetch_do(&answer, send->fetch, &put, pool));
    if (answer.status == 404 || answer.status == 410)
        return wm_err_make(pool, WM_E_BUSY,
                           "Google Drive has ended the upload session; another begins");
    return expect(&answer, "the archive", pool);
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
    drive d;

    WM_TRY(open_drive(&d, send));
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
    drive d;

    WM_TRY(open_drive(&d, send));
    WM_TRY(find(&file, &d));
    if (!id_of(file))
        return NULL;
    WM_TRY(
        call(&answer, &d, "DELETE",
             apr_pstrcat(send->pool, "/drive/v3/files/", wm_url_escape(id_of(file), "", send->pool),
                         "?supportsAllDrives=true", NULL),
             NULL));
    return expect(&answer, "removing a file", send->pool);
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    const char *folder = json_string_value(json_object_get(settings, "folder"));
    const char *api = json_string_value(json_object_get(settings, "api_url"));

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
             {"api_url", WM_DEST_TEXT, 0, "another address than https://www.googleapis.com"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_file,
};
