/* SPDX-License-Identifier: Apache-2.0 */
/* S3 and what speaks like it, signed by libcurl (SigV4).  What is larger than a part goes in parts; the
 * upload's id and the parts that arrived are kept, so that a try that was killed costs one part.
 * Every request is signed over the SHA-256 of its bytes: the server refuses what changed on the way. */
#include <string.h>
#include <unistd.h>

#include <apr_md5.h>
#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"
#include "dest_s3.h"
#include "wm_url.h"

static const wm_err *open_bucket(wm_s3_bucket *b, wm_dest_send *send)
{
    const char *name = wm_dest_text(send, "bucket");
    const char *region = wm_dest_text(send, "region");
    const char *endpoint = wm_dest_text(send, "endpoint");
    const char *object = wm_url_escape(send->object, "/", send->pool);
    apr_pool_t *pool = send->pool;
    const char *host;

    if (!region)
        region = "us-east-1";
    if (!endpoint)
        endpoint = apr_psprintf(pool, "https://s3.%s.amazonaws.com", region);
    endpoint =
        apr_pstrmemdup(pool, endpoint, strlen(endpoint) - (endpoint[strlen(endpoint) - 1] == '/'));
    host = strstr(endpoint, "://") + 3;
    b->send = send;
    /* Amazon wants the bucket in the host's name; others mostly in the path. */
    if (wm_dest_flag(send, "path_style") || wm_dest_text(send, "endpoint"))
        b->url = apr_pstrcat(pool, endpoint, "/", name, "/", object, NULL);
    else
        b->url = apr_pstrcat(pool, apr_pstrmemdup(pool, endpoint, (apr_size_t)(host - endpoint)),
                             name, ".", host, "/", object, NULL);
    b->peer = apr_pstrcat(pool, "the bucket ", name, NULL);
    b->sign = apr_pstrcat(pool, "aws:amz:", region, ":s3", NULL);
    WM_TRY(wm_dest_secret(&b->key, send, "access_key_id"));
    return wm_dest_secret(&b->secret, send, "secret_access_key");
}

const char *wm_s3_xml(const wm_fetch_answer *answer, const char *name, apr_pool_t *pool)
{
    const char *open = apr_pstrcat(pool, "<", name, ">", NULL);
    const char *at = strstr(answer->body, open), *end;

    if (!at)
        return NULL;
    at += strlen(open);
    end = strstr(at, "</");
    return end ? apr_pstrmemdup(pool, at, (apr_size_t)(end - at)) : NULL;
}

const wm_err *wm_s3_expect(const wm_s3_bucket *b, const wm_fetch_answer *answer, const char *doing)
{
    apr_pool_t *pool = b->send->pool;
    const wm_err *err = wm_fetch_expect(answer, b->peer, doing, pool);
    const char *code = wm_s3_xml(answer, "Code", pool);

    /* Some operations answer 200 before they know. */
    if (!err && strstr(answer->body, "<Error>"))
        err = wm_err_make(pool, WM_E_BUSY, "%s failed with %s", b->peer, doing);
    if (!err || !code || strlen(code) > 60)
        return err;
    if (!strcmp(code, "NoSuchBucket"))
        return wm_err_make(pool, WM_E_INPUT, "%s does not exist: create it, or correct the setting",
                           b->peer);
    if (!strcmp(code, "QuotaExceeded") || strstr(code, "XMinioStorageFull") ||
        !strcmp(code, "QuotaExceededException"))
        return wm_err_make(pool, WM_E_BUSY, "%s is full (%s): make room, or raise its quota",
                           b->peer, code);
    if (!strcmp(code, "RequestTimeTooSkewed"))
        return wm_err_make(pool, WM_E_INPUT, "%s finds the clock of this host wrong: set it",
                           b->peer);
    return wm_err_wrap(pool, wm_err_make(pool, err->code, "%s", code), "%s", err->why);
}

static const char *hash_header(const unsigned char sha256[32], apr_pool_t *pool)
{
    char hex[65];

    sodium_bin2hex(hex, sizeof hex, sha256, 32);
    return apr_pstrcat(pool, "x-amz-content-sha256: ", hex, NULL);
}

const wm_err *wm_s3_call(wm_fetch_answer *answer, wm_s3_bucket *b, const char *method,
                         const char *query, const char *text, apr_pool_t *pool)
{
    unsigned char sha256[32];
    const char *headers[4] = {0};
    wm_fetch_request r = {
        .url = apr_pstrcat(pool, b->url, query, NULL),
        .peer = b->peer,
        .method = method,
        .headers = headers,
        .user = b->key,
        .password = b->secret,
        .sigv4 = b->sign,
        .timeout = apr_time_from_sec(300),
    };

    crypto_hash_sha256(sha256, (const unsigned char *)(text ? text : ""), text ? strlen(text) : 0);
    headers[0] = hash_header(sha256, pool);
    headers[1] = "Expect:";
    if (text) {
        headers[2] = "Content-Type: application/xml";
        r.has_body = 1;
        r.body = text;
        r.size = (apr_int64_t)strlen(text);
    }
    return wm_fetch_do(answer, b->send->fetch, &r, pool);
}

/* MD5 of a stretch of the archive. */
static const wm_err *md5_of(unsigned char md5[APR_MD5_DIGESTSIZE], const wm_dest_send *send,
                            apr_int64_t offset, apr_int64_t size)
{
    enum { CHUNK = 65536 };
    unsigned char *chunk = apr_palloc(send->pool, CHUNK);
    apr_md5_ctx_t m;

    apr_md5_init(&m);
    while (size > 0) {
        ssize_t got = pread(send->fd, chunk, size < CHUNK ? (size_t)size : CHUNK, (off_t)offset);

        if (got <= 0)
            return wm_err_make(send->pool, WM_E_SYSTEM, "the archive cannot be read to its end");
        apr_md5_update(&m, chunk, (apr_size_t)got);
        offset += got;
        size -= got;
    }
    apr_md5_final(md5, &m);
    return NULL;
}

const wm_err *wm_s3_put(const char **etag, wm_s3_bucket *b, const char *query, apr_int64_t offset,
                        apr_int64_t size, const char *doing, apr_pool_t *pool)
{
    unsigned char sha256[32];
    const char *headers[4] = {0};
    wm_fetch_answer answer;
    wm_fetch_request r = {
        .url = apr_pstrcat(pool, b->url, query, NULL),
        .peer = b->peer,
        .headers = headers,
        .user = b->key,
        .password = b->secret,
        .sigv4 = b->sign,
        .has_body = 1,
        .fd = b->send->fd,
        .offset = offset,
        .size = size,
        .sent = wm_dest_count,
        .ctx = b->send,
    };

    WM_TRY(wm_dest_digest(sha256, b->send->fd, offset, size, pool));
    headers[0] = hash_header(sha256, pool);
    headers[1] = "Content-Type: application/octet-stream";
    headers[2] = "Expect:";
    b->send->base = offset;
    WM_TRY(wm_fetch_do(&answer, b->send->fetch, &r, pool));
    WM_TRY(wm_s3_expect(b, &answer, doing));
    *etag = apr_table_get(answer.headers, "ETag");
    if (!*etag || strlen(*etag) > 200)
        return wm_err_make(b->send->pool, WM_E_BUSY, "%s gives no ETag", b->peer);
    return NULL;
}

static const wm_err *send_file(wm_dest_send *send)
{
    const char *etag;
    wm_s3_bucket b;

    WM_TRY(open_bucket(&b, send));
    if (send->size > wm_s3_part_size(send))
        return wm_s3_put_in_parts(&b);
    return wm_s3_put(&etag, &b, "", 0, send->size, "the archive", send->pool);
}

/* An ETag is the MD5 of the object, or of the MD5 of its parts, which are as long as those we sent. */
static const wm_err *is_ours(int *ours, const char *etag, const wm_dest_send *send)
{
    apr_int64_t size = wm_s3_part_size(send), number = 0;
    unsigned char md5[APR_MD5_DIGESTSIZE];
    char hex[2 * APR_MD5_DIGESTSIZE + 1];
    apr_md5_ctx_t all;

    WM_TRY(md5_of(md5, send, 0, send->size));
    sodium_bin2hex(hex, sizeof hex, md5, sizeof md5);
    *ours = !strcmp(etag, apr_psprintf(send->pool, "\"%s\"", hex));
    if (*ours || send->size <= size)
        return NULL;
    apr_md5_init(&all);
    for (apr_int64_t offset = 0; offset < send->size; offset += size, number++) {
        apr_int64_t rest = send->size - offset;

        WM_TRY(md5_of(md5, send, offset, rest < size ? rest : size));
        apr_md5_update(&all, md5, sizeof md5);
    }
    apr_md5_final(md5, &all);
    sodium_bin2hex(hex, sizeof hex, md5, sizeof md5);
    *ours = !strcmp(etag, apr_psprintf(send->pool, "\"%s-%" APR_INT64_T_FMT "\"", hex, number));
    return NULL;
}

/* The ETag is the checksum unless the bucket encrypts with keys of its own; then the size decides, and
 * that every part was signed with its SHA-256. */
static const wm_err *verify(wm_dest_send *send)
{
    wm_fetch_answer answer;
    const char *etag, *length, *sealed;
    int ours = 0;
    wm_s3_bucket b;

    WM_TRY(open_bucket(&b, send));
    WM_TRY(wm_s3_call(&answer, &b, "HEAD", "", NULL, send->pool));
    if (answer.status == 404)
        return wm_err_make(send->pool, WM_E_BUSY, "%s does not have it", b.peer);
    WM_TRY(wm_s3_expect(&b, &answer, "a look at the object"));
    length = apr_table_get(answer.headers, "Content-Length");
    etag = apr_table_get(answer.headers, "ETag");
    sealed = apr_table_get(answer.headers, "x-amz-server-side-encryption");
    send->remote_bytes = length ? apr_atoi64(length) : -1;
    if (send->remote_bytes != send->size)
        return wm_err_make(send->pool, WM_E_BUSY,
                           "%s has %" APR_INT64_T_FMT " bytes instead of %" APR_INT64_T_FMT, b.peer,
                           send->remote_bytes, send->size);
    if (etag)
        WM_TRY(is_ours(&ours, etag, send));
    if (ours)
        send->remote_checksum = apr_pstrcat(send->pool, "etag ", etag, NULL);
    else if (sealed && strcmp(sealed, "AES256"))
        send->remote_checksum = "size, and sha256 of each part when it was sent";
    else
        return wm_err_make(send->pool, WM_E_BUSY, "%s has other bytes than were sent, by its ETag",
                           b.peer);
    return NULL;
}

static const wm_err *remove_object(wm_dest_send *send)
{
    wm_fetch_answer answer;
    wm_s3_bucket b;

    WM_TRY(open_bucket(&b, send));
    WM_TRY(wm_s3_call(&answer, &b, "DELETE", "", NULL, send->pool));
    return wm_s3_expect(&b, &answer, "removing an object");
}

static const wm_err *check(const json_t *settings, apr_pool_t *pool)
{
    const char *endpoint = json_string_value(json_object_get(settings, "endpoint"));
    const char *name = json_string_value(json_object_get(settings, "bucket"));
    const char *region = json_string_value(json_object_get(settings, "region"));
    json_int_t mib = json_integer_value(json_object_get(settings, "part_mib"));

    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
        return wm_err_make(pool, WM_E_INPUT,
                           "the setting \"bucket\" must be a bucket's name alone");
    if (region && (!*region || region[strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-")]))
        return wm_err_make(pool, WM_E_INPUT, "the setting \"region\" must be like eu-central-1");
    if (mib && (mib < 5 || mib > 1024))
        return wm_err_make(pool, WM_E_INPUT, "the setting \"part_mib\" must be from 5 to 1024");
    return endpoint ? wm_fetch_check_url(endpoint, "the setting \"endpoint\"", pool) : NULL;
}

const wm_dest_kind wm_dest_s3 = {
    .name = "s3",
    .summary = "a bucket of S3 or of what speaks like it",
    .secret = "{\"access_key_id\": \"...\", \"secret_access_key\": \"...\"}",
    .keys = {{"bucket", WM_DEST_TEXT, 1, "the bucket's name"},
             {"region", WM_DEST_TEXT, 0, "its region (default: us-east-1)"},
             {"endpoint", WM_DEST_TEXT, 0, "https:// address of another service than Amazon's"},
             {"path_style", WM_DEST_FLAG, 0,
              "bucket in the path, not in the host (with endpoint: always)"},
             {"part_mib", WM_DEST_NUMBER, 0,
              "size of a part of a large upload, in MiB (default: 8)"}},
    .check = check,
    .send = send_file,
    .verify = verify,
    .remove = remove_object,
};
