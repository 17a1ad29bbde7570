/* SPDX-License-Identifier: Apache-2.0 */
/* From the body of an upload to its JSON text (wire protocol, sections 7.1 to 7.3). */
#ifndef WM_PAYLOAD_H
#define WM_PAYLOAD_H

#include "wm_bundle.h"

enum { WM_PAYLOAD_GOOD = -1 };

typedef struct wm_payload {
    int reason;    /* WM_PAYLOAD_GOOD, or the wm_reason why there is no text */
    wm_text raw;   /* then: the bytes at the stage that failed */
    wm_text json;  /* the text */
    wm_buf *owner; /* of the text, when it was inflated or decoded; may be NULL */
    wm_text gzip;  /* the gzip bytes that the text was in; NULL when it came plain */
    int encrypted;
    apr_array_header_t *files; /* wm_file; NULL when the form cannot have any */
} wm_payload;

/* Unwrap UPLOAD.  What fails for its content is told in reason; without a key or a nonce raw is the
 * whole body, because the other fields are needed as well to open it later.  Errors as
 * wm_bundle_decode.  Memory belongs to POOL, texts may point into the upload. */
const wm_err *wm_payload_unwrap(wm_payload *payload, const wm_upload *upload,
                                const wm_decode_options *options, apr_pool_t *pool);

#endif
