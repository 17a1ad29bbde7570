/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an upload form, urlencoded or multipart (wire protocol 4.3, 7.2, 7.5), as slices of
 * the body: nothing is copied, and every byte is looked at once. */
#ifndef WM_FORM_H
#define WM_FORM_H

#include <apr_tables.h>

#include "wm_buf.h"
#include "wm_bundle.h"
#include "wm_err.h"

/* Files of one form that are kept; those of real bundles stay below 1000.  Fields may be as many as
 * the body holds: only the four known ones are kept. */
enum { WM_FORM_FILES_MAX = 10000 };

typedef struct wm_form_field {
    wm_text value;  /* slice of the body; data is NULL when the form has no such field */
    int urlencoded; /* value still holds + and %XX */
} wm_form_field;

/* The fields of 7.2; the last one of a name counts, others are ignored. */
typedef struct wm_form {
    wm_form_field payload;
    wm_form_field compression;
    wm_form_field encrypted;
    wm_form_field nonce;
    apr_array_header_t *files; /* wm_file: identifier, content_type and content are set */
    int more_files;            /* there are some beyond WM_FORM_FILES_MAX */
} wm_form;

/* Parse an application/x-www-form-urlencoded body, which anything is: this does not fail.  The form
 * lives in POOL and points into DATA. */
const wm_err *wm_form_parse_urlencoded(wm_form **form, const char *data, size_t size,
                                       apr_pool_t *pool);

/* Parse a multipart/form-data body; CONTENT_TYPE is the request's whole header and names the
 * boundary (RFC 2046 5.1, RFC 7578).  The form lives in POOL and points into DATA; only names of
 * files that were escaped are copied, accounted for in HOLD.  WM_E_INPUT: no boundary, no closing
 * boundary, a part without a name.  WM_E_BUSY as wm_hold_add. */
const wm_err *wm_form_parse_multipart(wm_form **form, const char *content_type, const char *data,
                                      size_t size, wm_hold *hold, apr_pool_t *pool);

/* Append the urlencoded text DATA to OUT, decoded: + is a blank, %XX a byte, a broken % stays as
 * it is.  Fails like wm_buf_reserve. */
const wm_err *wm_form_decode(wm_buf *out, const char *data, size_t size);

/* Whether FIELD is present and its decoded value is WORD exactly. */
int wm_form_field_is(const wm_form_field *field, const char *word);

#endif
