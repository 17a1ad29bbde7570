/* SPDX-License-Identifier: Apache-2.0 */
/* Of dest_s3.c, for dest_s3_parts.c. */
#ifndef WM_DEST_S3_H
#define WM_DEST_S3_H

#include "dest.h"

/* Where the object goes, and how requests about it are signed. */
typedef struct wm_s3_bucket {
    wm_dest_send *send;
    const char *url;  /* of the object */
    const char *peer; /* for errors */
    const char *key, *secret, *sign;
} wm_s3_bucket;

/* One request about the object; QUERY is sorted and escaped as the signature wants it.  TEXT is its
 * body, XML, or NULL. */
const wm_err *wm_s3_call(wm_fetch_answer *answer, wm_s3_bucket *b, const char *method,
                         const char *query, const char *text, apr_pool_t *pool);

/* Put SIZE bytes of the archive from OFFSET; *ETAG is what they are called there. */
const wm_err *wm_s3_put(const char **etag, wm_s3_bucket *b, const char *query, apr_int64_t offset,
                        apr_int64_t size, const char *doing, apr_pool_t *pool);

/* An error unless ANSWER is a success, by the code that S3 gives, which is worth more than the
 * status. */
const wm_err *wm_s3_expect(const wm_s3_bucket *b, const wm_fetch_answer *answer, const char *doing);

/* <name>text</name> of an XML answer, in POOL; or NULL. */
const char *wm_s3_xml(const wm_fetch_answer *answer, const char *name, apr_pool_t *pool);

/* Bytes of a part of this archive: so many that S3's number of parts is enough. */
apr_int64_t wm_s3_part_size(const wm_dest_send *send);

/* The whole archive, going on where an earlier try stopped.  An upload that S3 has forgotten (they
 * expire by rule of the bucket) is begun again, once. */
const wm_err *wm_s3_put_in_parts(wm_s3_bucket *b);

#endif
