/* SPDX-License-Identifier: Apache-2.0 */
/* One data point: what is stored of it, and the columns derived from it (wire protocol, section 6). */
#ifndef WM_POINT_H
#define WM_POINT_H

#include <stddef.h>
#include <apr_time.h>

/* Warnings kept with a point: bit number, name.  sql/schema's webmunk.flag_names(int) lists the
 * same names in the same order; test 101 compares them.  Append only. */
#define WM_POINT_FLAGS(X)                                    \
    X(WM_F_NUL_REMOVED, 0, "nul-removed")                    \
    X(WM_F_SURROGATE_REPLACED, 1, "surrogate-replaced")      \
    X(WM_F_UTF8_REPLACED, 2, "utf8-replaced")                \
    X(WM_F_NONFINITE_NUMBER, 3, "nonfinite-number")          \
    X(WM_F_NUMBER_OUT_OF_RANGE, 4, "number-out-of-range")    \
    X(WM_F_SOURCE_EMPTY, 5, "source-empty")                  \
    X(WM_F_SOURCE_NULL, 6, "source-null")                    \
    X(WM_F_SOURCE_NUMBER, 7, "source-number")                \
    X(WM_F_SOURCE_HEADER, 8, "source-from-header")           \
    X(WM_F_IDENTIFIER_DIFFERS, 9, "identifier-differs")      \
    X(WM_F_GENERATOR_MISSING, 10, "generator-missing")       \
    X(WM_F_GENERATOR_INVALID, 11, "generator-invalid")       \
    X(WM_F_GENERATOR_ID_INVALID, 12, "generator-id-invalid") \
    X(WM_F_TIMESTAMP_MISSING, 13, "timestamp-missing")       \
    X(WM_F_TIMESTAMP_INVALID, 14, "timestamp-invalid")       \
    X(WM_F_TIMESTAMP_TEXT, 15, "timestamp-text")             \
    X(WM_F_TIMESTAMP_MS, 16, "timestamp-ms")                 \
    X(WM_F_TIMESTAMP_US, 17, "timestamp-us")                 \
    X(WM_F_TIMESTAMP_NS, 18, "timestamp-ns")                 \
    X(WM_F_LOCATION_INVALID, 19, "location-invalid")

typedef enum {
#define X(name, bit, text) name = 1 << bit,
    WM_POINT_FLAGS(X)
#undef X
} wm_point_flag;

enum { WM_POINT_SOURCE_MAX = 1024 }; /* characters of a source (6.1) */

typedef struct wm_text {
    const char *data; /* UTF-8, not terminated; NULL is SQL null */
    size_t size;
} wm_text;

typedef struct wm_point {
    wm_text properties;   /* repaired, minified JSON object, encrypted_transmission added */
    wm_text secondary;    /* secondary identifier (6.4) */
    apr_uint32_t ordinal; /* place in the bundle's array */
    int source;           /* indexes into the bundle's dictionaries */
    int generator;
    int agent;
    apr_time_t created; /* UTC microseconds since 1970, may be negative */
    double longitude;   /* NAN: no location */
    double latitude;
    apr_uint32_t flags; /* wm_point_flag */
    int untimed;        /* no usable time of its own: created is received, and only the bundle's
                           * digest tells a repeat; 0 where repeats are kept */
    unsigned char digest[16];
} wm_point;

#endif
