/* SPDX-License-Identifier: Apache-2.0 */
/* Dropbox by upload sessions, with access tokens made of a refresh token.  The session and how far it is
 * are kept; Dropbox itself says (incorrect_offset) when it has more or less than we think. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"
#include "wm_json_own.h"
#include "wm_url.h"

/* Dropbox's checksum is of blocks of 4 MiB; appended pieces are a multiple of it. */
enum { MIB = 1 << 20, BLOCK = 4 * MIB, PIECE_MIB = 32, ROUNDS_MAX = 20000 };

typedef struct box {
    wm_dest_send *send;
    const char *api, *content;
    const char *bearer; /* "Authorization: Bearer ..." */
    const char *path;   /* with a slash in front */
} box;

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* What Dropbox calls its error, "upload_session_append/incorrect_offset/..."; never NULL. */
static const char *summary(json_t **root, const wm_fetch_answer *answer, apr_pool_t *pool)
{
    const char *text = NULL;

    *root = NULL;
    if (!wm_json_own_parse(root, answer->body, answer->size, pool))
        text = text_of(*root, "error_summary");
    return text ? text : "";
}

static const wm_err *expect(const wm_fetch_answer *answer, const char *doing, apr_pool_t *pool)
{
    json_t *root;
    const char *why;

    if (answer->status >= 200 && answer->status < 300)
        return NULL;
    why = summary(&root, answer, pool);
    if (strstr(why, "insufficient_space"))
        return wm_err_make(pool, WM_E_BUSY, "Dropbox is full: make room there");
    if (strstr(why, "no_write_permission") || strstr(why, "missing_scope"))
        return wm_err_make(
            pool, WM_E_INPUT,
            "Dropbox does not let this app write there: give it files.content.write and"
            " files.content.read, and a folder of its own");
    if (strstr(why, "malformed_path") || strstr(why, "disallowed_name"))
        return wm_err_make(pool, WM_E_INPUT, "Dropbox does not like the path: correct the setting");
    if (strstr(why, "not_found"))
        return wm_err_make(pool, WM_E_NOT_FOUND, "Dropbox does not know it: %s", doing);
    if (strstr(why, "too_many_write_operations"))
        return wm_err_make(pool, WM_E_BUSY, "Dropbox is busy with this folder: %s", doing);
    return wm_fetch_expect(answer, "Dropbox", doing, pool);
}

static const wm_err *get_token(box *b)
{
    const char *headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    const char *key, *secret, *refresh, *form, *token;
    apr_pool_t *pool = b->send->pool;
    wm_fetch_answer answer;
    json_t *root;

    WM_TRY(wm_dest_secret(&key, b->send, "app_key"));
    WM_TRY(wm_dest_secret(&secret, b->send, "app_secret"));
    WM_TRY(wm_dest_secret(&refresh, b->send, "refresh_token"));
    form = apr_pstrcat(
        pool, "grant_type=refresh_token&refresh_token=", wm_url_escape(refresh, "", pool), NULL);
    wm_fetch_request r = {
        .url = apr_pstrcat(pool, b->api, "/oauth2/token", NULL),
        .peer = "Dropbox",
        .method = "POST",
        .headers = headers,
        .user = key,
        .password = secret,
        .has_body = 1,
        .body = form,
        .size = (apr_int64_t)strlen(form),
        .timeout = apr_time_from_sec(60),
    };
    WM_TRY(wm_fetch_do(&answer, b->send->fetch, &r, pool));
    if (answer.status == 400)
        return wm_err_make(
            pool, WM_E_INPUT,
            "Dropbox refused the refresh token: it was revoked, or is of another app; make a"
            " new one");
    WM_TRY(wm_fetch_expect(&answer, "Dropbox", "a new access token", pool));
    token = wm_json_own_parse(&root, answer.body, answer.size, pool)
                ? NULL
                : text_of(root, "access_token");
    if (!token || strpbrk(token, "\r\n"))
        return wm_err_make(pool, WM_E_BUSY, "Dropbox gave no access token");
    b->bearer = apr_pstrcat(pool, "Authorization: Bearer ", token, NULL);
    return NULL;
}

static const wm_err *open_box(box *b, wm_dest_send *send)
{
    const char *api = wm_dest_text(send, "api_url"), *content = wm_dest_text(send, "content_url");

    memset(b, 0, sizeof *b);
    b->send = send;
    b->api = api ? api : "https://api.dropboxapi.com";
    b->content = content ? content : "https://content.dropboxapi.com";
    b->path = apr_pstrcat(send->pool, "/", send->object, NULL);
    return get_token(b);
}

/* A call of the API with JSON in the body; ARGS is owned here. */
static const wm_err *call(wm_fetch_answer *answer, const box *b, const char *name, json_t *args)
{
    const char *headers[] = {b->bearer, "Content-Type: application/json", NULL};
    apr_pool_t *pool = b->send->pool;
    const char *text = wm_json_own_text(wm_json_own(args, pool), pool);
    wm_fetch_request r = {
        .url = apr_pstrcat(pool, b->api, "/2/files/", name, NULL),
        .peer = "Dropbox",
        .method = "POST",
        .headers = headers,
        .has_body = 1,
        .body = text,
        .size = (apr_int64_t)strlen(text),
        .timeout = apr_time_from_sec(120),
    };

    return wm_fetch_do(answer, b->send->fetch, &r, pool);
}

/* JSON for a header: ASCII alone. */
static const char *header_json(json_t *args, apr_pool_t *pool)
{
    char *text = json_dumps(args, JSON_COMPACT | JSON_ENSURE_ASCII);
    const char *copy = apr_pstrcat(pool, "Dropbox-API-Arg: ", text ? text : "{}", NULL);

    free(text);
    json_decref(args);
    return copy;
}

/* A call that carries a stretch of the archive. */
static const wm_err *put(wm_fetch_answer *answer, const box *b, const char *name, json_t *args,
                         apr_int64_t offset, apr_int64_t size, apr_pool_t *pool)
{
    const char *headers[] = {b->bearer, header_json(args, pool),
                             "Content-Type: application/octet-stream", "Expect:", NULL};
    wm_fetch_request r = {
        .url = apr_pstrcat(pool, b->content, "/2/files/upload_session/", name, NULL),
        .peer = "Dropbox",
        .method = "POST",
        .headers = headers,
        .has_body = 1,
        .body = size ? NULL : "",
        .fd = b->send->fd,
        .offset = offset,
        .size = size,
        .sent = wm_dest_count,
        .ctx = b->send,
    };

    b->send->base = offset;
    return wm_fetch_do(answer, b->send->fetch, &r, pool);
}

static const wm_err *keep(const box *b, const char *session, apr_int64_t done)
{
    wm_dest_send *send = b->send;
    json_t *resume = json_pack("{s:s, s:I}", "session_id", session, "offset", (json_int_t)done);

    return send->keep(send, wm_json_own(resume, send->pool), done);
}

static const wm_err *begin(const char **session, const box *b)
{
    apr_pool_t *pool = b->send->pool;
    wm_fetch_answer answer;
    json_t *root;

    WM_TRY(put(&answer, b, "start", json_pack("{s:b}", "close", 0), 0, 0, pool));
    WM_TRY(expect(&answer, "beginning an upload", pool));
    *session = wm_json_own_parse(&root, answer.body, answer.size, pool)
                   ? NULL
                   : text_of(root, "session_id");
    if (!*session)
        return wm_err_make(pool, WM_E_BUSY, "Dropbox gave no upload session");
    return keep(b, *session, 0);
}

static json_t *cursor(const char *session, apr_int64_t offset)
{
    return json_pack("{s:s, s:I}", "session_id", session, "offset", (json_int_t)offset);
}

/* How far Dropbox says it is, from an answer of incorrect_offset; -1 when it does not. */
static apr_int64_t correct_offset(const wm_fetch_answer *answer, apr_pool_t *pool)
{
    json_t *root, *error, *value;

    if (answer->status != 409 || !strstr(summary(&root, answer, pool), "incorrect_offset"))
        return -1;
    error = json_object_get(root, "error");
    if (json_object_get(error, "lookup_failed"))
        error = json_object_get(error, "lookup_failed");
    value = json_object_get(error, "correct_offset");
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const wm_err *append(const box *b, const char *session, apr_int64_t offset)
{
    wm_dest_send *send = b->send;
    apr_int64_t piece = wm_dest_number(send, "piece_mib", PIECE_MIB) * MIB;
    apr_pool_t *pool;

    apr_pool_create(&pool, send->pool);
    for (int round = 0; offset < send->size; round++) {
        apr_int64_t size = send->size - offset < piece ? send->size - offset : piece, correct;
        wm_fetch_answer answer;

        apr_pool_clear(pool);
        if (round > ROUNDS_MAX)
            return wm_err_make(send->pool, WM_E_BUSY, "Dropbox does not get ahead");
        WM_TRY(put(&answer, b, "append_v2",
                   json_pack("{s:o, s:b}", "cursor", cursor(session, offset), "close", 0), offset,
                   size, pool));
        correct = correct_offset(&answer, pool);
        if (correct > send->size)
            return wm_err_make(send->pool, WM_E_NOT_FOUND, "Dropbox has more than there is");
        if (correct < 0) {
            WM_TRY(expect(&answer, "a part of the archive", send->pool));
            correct = offset + size;
        }
        offset = correct;
        WM_TRY(keep(b, session, offset));
    }
    apr_pool_destroy(pool);
    return NULL;
}

static const wm_err *finish(const box *b, const char *session)
{
    apr_pool_t *pool = b->send->pool;
    wm_fetch_answer answer;
    json_t *commit = json_pack("{s:s, s:s, s:b, s:b}", "path", b->path, "mode", "overwrite",
                               "autorename", 0, "mute", 1);

    WM_TRY(put(&answer, b, "finish",
               json_pack("{s:o, s:o}", "cursor", cursor(session, b->send->size), "commit", commit),
               b->send->size, 0, pool));
    return expect(&answer, "finishing the upload", pool);
}

static const wm_err *send_in(const box *b, const char *session, apr_int64_t offset)
{
    WM_TRY(append(b, session, offset));
    return finish(b, session);
}

/* Sessions end after a week, and when they are finished: then another one begins. */
static const wm_err *send_file(wm_dest_send *send)
{
    const char *session = send->resume ? text_of(send->resume, "session_id") : NULL;
    apr_int64_t offset = json_integer_value(json_object_get(send->resume, "offset"));
    const wm_err *err;
    box b;

    WM_TRY(open_box(&b, send));
    if (session) {
        err = send_in(&b, session, offset);
        if (!err || (err->code != WM_E_NOT_FOUND && err->code != WM_E_CONFLICT))
            return err;
    }
    WM_TRY(begin(&session, &b));
    return send_in(&b, session, 0);
}

/* SHA-256 of the SHA-256 of blocks of 4 MiB. */
static const wm_err *content_hash(char hex[65], const wm_dest_send *send)
{
    crypto_hash_sha256_state all;
    unsigned char sha256[32];

    crypto_hash_sha256_init(&all);
    for (apr_int64_t offset = 0; offset < send->size; offset += BLOCK) {
        apr_int64_t rest = send->size - offset;

        WM_TRY(wm_dest_digest(sha256, send->fd, offset, rest < BLOCK ? rest : BLOCK, send->pool));
        crypto_hash_sha256_update(&all, sha256, sizeof sha256);
    }
    crypto_hash_sha256_final(&all, sha256);
    sodium_bin2hex(hex, 65, sha256, sizeof sha256);
    return NULL;
}

static const wm_err *verify(wm_dest_send *send)
{
    wm_fetch_answer answer;
    const char *hash;
    json_t *root;
    char hex[65];
    box b;

    WM_TRY(open_box(&b, send));
    WM_TRY(call(&answer, &b, "get_metadata", json_pack("{s:s}", "path", b.path)));
    WM_TRY(expect(&answer, "a look at the archive", send->pool));
    WM_TRY(wm_json_own_parse(&root, answer.body, answer.size, send->pool));
    WM_TRY(content_hash(hex, send));
    hash = text_of(root, "content_hash");
    send->remote_bytes = json_integer_value(json_object_get(root, "size"));
    if (send->remote_bytes != send->size || !hash || strcmp(hash, hex))
        return wm_err_make(send->pool, WM_E_BUSY, "Dropbox has other bytes than were sent");
    send->remote_checksum = apr_pstrcat(send->pool, "content_hash ", hash, NULL);
    return NULL;
}

static const wm_err *remove_file(wm_dest_send *send)
{
    wm_fetch_answer answer;
    box b;

    WM_TRY(open_box(&b, send));
    WM_TRY(call(&answer, &b, "delete_v2", json_pack("{s:s}", "path", b.path)));
    return expect(&answer, "removing a file", send->pool);
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    static const char *const urls[] = {"api_url", "content_url"};
    json_int_t mib = json_integer_value(json_object_get(settings, "piece_mib"));

    for (int i = 0; i < 2; i++)
        if (json_object_get(settings, urls[i]))
            WM_TRY(wm_fetch_check_url(json_string_value(json_object_get(settings, urls[i])),
                                      urls[i], pool));
    if (mib && (mib % 4 || mib > 128))
        return wm_err_make(pool, WM_E_INPUT, "the setting \"piece_mib\" must be 4, 8, 12 ... 128");
    return NULL;
}

const wm_dest_kind wm_dest_dropbox = {
    .name = "dropbox",
    .summary = "a folder of Dropbox",
    .secret = "{\"app_key\": \"...\", \"app_secret\": \"...\", \"refresh_token\": \"...\"}",
    .keys = {{"piece_mib", WM_DEST_NUMBER, 0, "how much is sent at once, in MiB (default: 32)"},
             {"api_url", WM_DEST_TEXT, 0, "another address than https://api.dropboxapi.com"},
             {"content_url", WM_DEST_TEXT, 0,
              "another address than https://content.dropboxapi.com"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_file,
};
