/* SPDX-License-Identifier: Apache-2.0 */
/* Builds one-dimensional arrays in PostgreSQL's binary form (array_recv). */
#ifndef WM_PGARRAY_H
#define WM_PGARRAY_H

#include <apr.h>

#include "wm_buf.h"
#include "wm_db.h"

typedef struct wm_pgarray {
    wm_buf *buf;
    apr_uint32_t element; /* oid */
    apr_uint32_t count;
} wm_pgarray;

/* Begin an array of ELEMENT (WM_OID_INT8 ...) in a buffer of POOL. */
const wm_err *wm_pgarray_begin(wm_pgarray *array, apr_uint32_t element, const wm_budget *budget,
                               apr_pool_t *pool);
const wm_err *wm_pgarray_add(wm_pgarray *array, const void *data, size_t size);
const wm_err *wm_pgarray_add_null(wm_pgarray *array);
/* A slice of text; NULL is null. */
const wm_err *wm_pgarray_add_text(wm_pgarray *array, const char *data, size_t size);
/* A terminated text; NULL is null. */
const wm_err *wm_pgarray_add_word(wm_pgarray *array, const char *word);
const wm_err *wm_pgarray_add_bool(wm_pgarray *array, int value);
const wm_err *wm_pgarray_add_i64(wm_pgarray *array, apr_int64_t value);
const wm_err *wm_pgarray_add_i32(wm_pgarray *array, apr_int32_t value);
const wm_err *wm_pgarray_add_f64(wm_pgarray *array, double value);      /* NAN is null */
const wm_err *wm_pgarray_add_time(wm_pgarray *array, apr_int64_t time); /* apr_time_t */
/* jsonb takes its text behind a version byte. */
const wm_err *wm_pgarray_add_jsonb(wm_pgarray *array, const char *text, size_t size);

/* The finished argument; ARRAY_OID is the array type (WM_OID_INT8_ARRAY ...). */
wm_arg wm_pgarray_arg(wm_pgarray *array, apr_uint32_t array_oid);

#endif
