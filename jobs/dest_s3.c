/* SPDX-License-Identifier: Apache-2.0 */
/* S3 and what speaks like it, signed by libcurl (SigV4).  What is larger than a part goes in parts; the
 * upload's id and the parts that arrived are kept, so that a try that was killed costs one part.
 * Every request is signed over the SHA-256 of its bytes: the server refuses what changed on the way. */
#include <string.h>

#include <apr_md5.h>
#include <apr_strings.h>
#include <sodium.h>

#include "dest.h"
#include "wm_json_own.h"

/* S3 allows 10,000 parts of at least 5 MiB. */
enum { PART_MIN_MIB = 8, PARTS_MAX = 10000, MIB = 1 << 20 };

typedef struct bucket {
    wm_dest_send *send;
    const char *url;  /* of the object */
    const char *peer; /* for errors */
    const char *key, *secret, *sign;
} bucket;

static const wm_err *open_bucket(bucket *b, wm_dest_send *send)
{
    const char *name = wm_dest_text(send, "bucket");
    const char *region = wm_dest_text(send, "region");
    const char *endpoint = wm_dest_text(send, "endpoint");
    const char *object = wm_fetch_escape(send->object, 1, send->pool);
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

/* <name>text</name> of an XML answer, or NULL. */
static const char *xml(const wm_fetch_answer *answer, const char *name, apr_pool_t *pool)
{
    const char *open = apr_pstrcat(pool, "<", name, ">", NULL);
    const char *at = strstr(answer->body, open), *end;

    if (!at)
        return NULL;
    at += strlen(open);
    end = strstr(at, "</");
    return end ? apr_pstrmemdup(pool, at, (apr_size_t)(end - at)) : NULL;
}

/* The code that S3 gives its errors, which is worth more than the status. */
static const wm_err *expect(const bucket *b, const wm_fetch_answer *answer, const char *doing)
{
    apr_pool_t *pool = b->send->pool;
    const wm_err *err = wm_fetch_expect(answer, b->peer, doing, pool);
    const char *code = xml(answer, "Code", pool);

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

/* One request about the object; QUERY is sorted and escaped as the signature wants it. */
static const wm_err *call(wm_fetch_answer *answer, bucket *b, const char *method, const char *query,
                          const char *text, apr_pool_t *pool)
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

/* SHA-256 and MD5 of a stretch of the archive, read once. */
static const wm_err *digests(unsigned char sha256[32], unsigned char md5[APR_MD5_DIGESTSIZE],
                             const wm_dest_send *send, apr_int64_t offset, apr_int64_t size)
{
    enum { CHUNK = 65536 };
    unsigned char *chunk = apr_palloc(send->pool, CHUNK);
    crypto_hash_sha256_state sha;
    apr_md5_ctx_t m;

    crypto_hash_sha256_init(&sha);
    apr_md5_init(&m);
    while (size > 0) {
        ssize_t got = pread(send->fd, chunk, size < CHUNK ? (size_t)size : CHUNK, (off_t)offset);

        if (got <= 0)
            return wm_err_make(send->pool, WM_E_SYSTEM, "the archive cannot be read to its end");
        crypto_hash_sha256_update(&sha, chunk, (unsigned long long)got);
        apr_md5_update(&m, chunk, (apr_size_t)got);
        offset += got;
        size -= got;
    }
    crypto_hash_sha256_final(&sha, sha256);
    apr_md5_final(md5, &m);
    return NULL;
}

/* Put a stretch; *MD5 (of POOL) is its checksum in hex. */
static const wm_err *put(const char **etag, const char **md5_hex, bucket *b, const char *query,
                         apr_int64_t offset, apr_int64_t size, const char *doing, apr_pool_t *pool)
{
    unsigned char sha256[32], md5[APR_MD5_DIGESTSIZE];
    char *hex = apr_palloc(pool, 2 * APR_MD5_DIGESTSIZE + 1);
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

    WM_TRY(digests(sha256, md5, b->send, offset, size));
    headers[0] = hash_header(sha256, pool);
    headers[1] = "Content-Type: application/octet-stream";
    headers[2] = "Expect:";
    b->send->base = offset;
    WM_TRY(wm_fetch_do(&answer, b->send->fetch, &r, pool));
    WM_TRY(expect(b, &answer, doing));
    *etag = apr_table_get(answer.headers, "ETag");
    if (!*etag || strlen(*etag) > 200)
        return wm_err_make(b->send->pool, WM_E_BUSY, "%s gives no ETag", b->peer);
    *md5_hex = sodium_bin2hex(hex, 2 * APR_MD5_DIGESTSIZE + 1, md5, sizeof md5);
    return NULL;
}
