/* SPDX-License-Identifier: Apache-2.0 */
/* What is too large for one request.  The upload's id and the parts that arrived are kept, so that a
 * try that was killed costs one part. */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "dest_s3.h"
#include "wm_json_own.h"
#include "wm_url.h"

/* S3 allows 10,000 parts of at least 5 MiB. */
enum { PART_MIN_MIB = 8, PARTS_MAX = 10000, MIB = 1 << 20 };

apr_int64_t wm_s3_part_size(const wm_dest_send *send)
{
    apr_int64_t size = wm_dest_number(send, "part_mib", PART_MIN_MIB) * MIB;

    while (size * PARTS_MAX < send->size)
        size *= 2;
    return size;
}

/* Forget an upload there; whatever comes of it, ours begins again. */
static void abandon(wm_s3_bucket *b, const char *id)
{
    wm_fetch_answer answer;
    apr_pool_t *pool = b->send->pool;

    (void)wm_s3_call(&answer, b, "DELETE",
                     apr_pstrcat(pool, "?uploadId=", wm_url_escape(id, "", pool), NULL), NULL,
                     pool);
}

/* The upload to go on with: what an earlier try kept, or a new one. */
static const wm_err *begin(json_t **upload, wm_s3_bucket *b, apr_int64_t size)
{
    wm_dest_send *send = b->send;
    wm_fetch_answer answer;
    const char *id;

    if (send->resume && json_integer_value(json_object_get(send->resume, "part_size")) == size &&
        json_is_string(json_object_get(send->resume, "upload_id")) &&
        json_is_array(json_object_get(send->resume, "parts"))) {
        *upload = send->resume;
        return NULL;
    }
    WM_TRY(wm_s3_call(&answer, b, "POST", "?uploads=", "", send->pool));
    WM_TRY(wm_s3_expect(b, &answer, "beginning an upload"));
    id = wm_s3_xml(&answer, "UploadId", send->pool);
    if (!id || !*id || strlen(id) > 1000)
        return wm_err_make(send->pool, WM_E_BUSY, "%s gives no id for an upload", b->peer);
    *upload = wm_json_own(
        json_pack("{s:s, s:I, s:[]}", "upload_id", id, "part_size", (json_int_t)size, "parts"),
        send->pool);
    return send->keep(send, *upload, 0);
}

static const wm_err *put_parts(wm_s3_bucket *b, json_t *upload, apr_int64_t size)
{
    wm_dest_send *send = b->send;
    json_t *parts = json_object_get(upload, "parts");
    const char *id = json_string_value(json_object_get(upload, "upload_id"));
    apr_int64_t number = (apr_int64_t)json_array_size(parts);
    const wm_err *err = NULL;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, send->pool);
    for (; !err && number * size < send->size; number++) {
        apr_int64_t offset = number * size;
        apr_int64_t rest = send->size - offset;
        const char *etag;

        apr_pool_clear(scratch);
        err = wm_s3_put(&etag, b,
                        apr_psprintf(scratch, "?partNumber=%" APR_INT64_T_FMT "&uploadId=%s",
                                     number + 1, wm_url_escape(id, "", scratch)),
                        offset, rest < size ? rest : size, "a part of the archive", scratch);
        if (err)
            break;
        json_array_append_new(parts, json_pack("{s:s}", "etag", etag));
        err = send->keep(send, upload, offset + (rest < size ? rest : size));
    }
    /* The error lives longer than the scratch pool. */
    if (err)
        err = wm_err_make(send->pool, err->code, "%s", wm_err_text(err, send->pool));
    apr_pool_destroy(scratch);
    return err;
}

static const wm_err *complete(wm_s3_bucket *b, const json_t *upload)
{
    apr_pool_t *pool = b->send->pool;
    const char *id = json_string_value(json_object_get(upload, "upload_id"));
    apr_array_header_t *texts = apr_array_make(pool, 64, sizeof(const char *));
    wm_fetch_answer answer;
    const json_t *part;
    size_t i;

    APR_ARRAY_PUSH(texts, const char *) = "<CompleteMultipartUpload>";
    json_array_foreach(json_object_get(upload, "parts"), i, part)
    {
        APR_ARRAY_PUSH(texts, const char *) = apr_psprintf(
            pool, "<Part><PartNumber>%" APR_SIZE_T_FMT "</PartNumber><ETag>%s</ETag></Part>", i + 1,
            json_string_value(json_object_get(part, "etag")));
    }
    APR_ARRAY_PUSH(texts, const char *) = "</CompleteMultipartUpload>";
    WM_TRY(wm_s3_call(&answer, b, "POST",
                      apr_pstrcat(pool, "?uploadId=", wm_url_escape(id, "", pool), NULL),
                      apr_array_pstrcat(pool, texts, 0), pool));
    return wm_s3_expect(b, &answer, "completing an upload");
}

const wm_err *wm_s3_put_in_parts(wm_s3_bucket *b)
{
    wm_dest_send *send = b->send;
    apr_int64_t size = wm_s3_part_size(send);
    int resumed = send->resume != NULL;
    const wm_err *err;
    json_t *upload;

    WM_TRY(begin(&upload, b, size));
    err = put_parts(b, upload, size);
    if (!err)
        err = complete(b, upload);
    if (!resumed || !err || (err->code != WM_E_NOT_FOUND && err->code != WM_E_CONFLICT))
        return err;
    abandon(b, json_string_value(json_object_get(upload, "upload_id")));
    send->resume = NULL;
    WM_TRY(send->keep(send, NULL, 0));
    WM_TRY(begin(&upload, b, size));
    WM_TRY(put_parts(b, upload, size));
    return complete(b, upload);
}
