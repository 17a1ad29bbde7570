/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "wm_pgarray.h"

#define PG_EPOCH_USEC (APR_INT64_C(946684800) * 1000000)

enum { HEADER = 20 }; /* dimensions, has-null, element oid, length, lower bound */

static void put32(char *out, apr_uint32_t value)
{
    out[0] = (char)(value >> 24);
    out[1] = (char)(value >> 16);
    out[2] = (char)(value >> 8);
    out[3] = (char)value;
}

const wm_err *wm_pgarray_begin(wm_pgarray *array, apr_uint32_t element, const wm_budget *budget,
                               apr_pool_t *pool)
{
    array->buf = wm_buf_create(budget, pool);
    array->element = element;
    array->count = 0;
    WM_TRY(wm_buf_reserve(array->buf, HEADER));
    array->buf->size = HEADER;
    return NULL;
}

static const wm_err *add(wm_pgarray *array, const char *prefix, size_t prefix_size,
                         const void *data, size_t size)
{
    wm_buf *buf = array->buf;

    WM_TRY(wm_buf_reserve(buf, 4 + prefix_size + size));
    put32(buf->data + buf->size, (apr_uint32_t)(prefix_size + size));
    memcpy(buf->data + buf->size + 4, prefix, prefix_size);
    if (size)
        memcpy(buf->data + buf->size + 4 + prefix_size, data, size);
    buf->size += 4 + prefix_size + size;
    array->count++;
    return NULL;
}

const wm_err *wm_pgarray_add(wm_pgarray *array, const void *data, size_t size)
{
    return add(array, "", 0, data, size);
}

const wm_err *wm_pgarray_add_null(wm_pgarray *array)
{
    WM_TRY(wm_buf_reserve(array->buf, 4));
    put32(array->buf->data + array->buf->size, 0xffffffffu);
    array->buf->size += 4;
    array->count++;
    return NULL;
}

const wm_err *wm_pgarray_add_text(wm_pgarray *array, const char *data, size_t size)
{
    return data ? wm_pgarray_add(array, data, size) : wm_pgarray_add_null(array);
}

const wm_err *wm_pgarray_add_word(wm_pgarray *array, const char *word)
{
    return wm_pgarray_add_text(array, word, word ? strlen(word) : 0);
}

const wm_err *wm_pgarray_add_bool(wm_pgarray *array, int value)
{
    return wm_pgarray_add(array, value ? "\1" : "\0", 1);
}

const wm_err *wm_pgarray_add_i32(wm_pgarray *array, apr_int32_t value)
{
    char bytes[4];

    put32(bytes, (apr_uint32_t)value);
    return add(array, "", 0, bytes, 4);
}

const wm_err *wm_pgarray_add_i64(wm_pgarray *array, apr_int64_t value)
{
    char bytes[8];

    put32(bytes, (apr_uint32_t)((apr_uint64_t)value >> 32));
    put32(bytes + 4, (apr_uint32_t)value);
    return add(array, "", 0, bytes, 8);
}

const wm_err *wm_pgarray_add_f64(wm_pgarray *array, double value)
{
    apr_int64_t bits;

    if (isnan(value))
        return wm_pgarray_add_null(array);
    memcpy(&bits, &value, 8);
    return wm_pgarray_add_i64(array, bits);
}

const wm_err *wm_pgarray_add_time(wm_pgarray *array, apr_int64_t time)
{
    return wm_pgarray_add_i64(array, time - PG_EPOCH_USEC);
}

const wm_err *wm_pgarray_add_jsonb(wm_pgarray *array, const char *text, size_t size)
{
    return add(array, "\1", 1, text, size);
}

wm_arg wm_pgarray_arg(wm_pgarray *array, apr_uint32_t array_oid)
{
    char *head = array->buf->data;

    put32(head, array->count ? 1 : 0);
    put32(head + 4, 1); /* there may be nulls: allowed even when there are none */
    put32(head + 8, array->element);
    put32(head + 12, array->count);
    put32(head + 16, 1);
    return WM_BINARY(array_oid, head, array->count ? array->buf->size : 12);
}
