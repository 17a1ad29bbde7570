/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON as JSON.stringify(value, null, 2) does, into a buffer.  A program that makes test
 * data has nothing better to do without memory than to stop. */
#ifndef BENCH_CORPUS_JSON_H
#define BENCH_CORPUS_JSON_H

#include <apr.h>

#include "wm_buf.h"

typedef struct corpus_json {
    wm_buf *out;
    int depth;
    int filled; /* the open array or object has a member */
} corpus_json;

void corpus_put(wm_buf *out, const char *text, size_t size);
void corpus_puts(wm_buf *out, const char *text);
void corpus_putf(wm_buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* KEY is NULL inside arrays and at the top. */
void corpus_json_open(corpus_json *json, const char *key, char bracket);
void corpus_json_close(corpus_json *json, char bracket);
void corpus_json_text(corpus_json *json, const char *key, const char *text);
void corpus_json_int(corpus_json *json, const char *key, apr_int64_t value);
/* MILLI thousandths: 3000 is 3, 3500 is 3.5. */
void corpus_json_milli(corpus_json *json, const char *key, apr_int64_t milli);
void corpus_json_bool(corpus_json *json, const char *key, int value);

#endif
