/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tokenizer share: the innermost loops.  P is where to read, END one behind the
 * last byte; nothing is read at or behind END. */
#ifndef WM_JSON_SCAN_H
#define WM_JSON_SCAN_H

#include "wm_json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What a string needs before it can be stored. */
enum {
    WM_STRING_ESCAPED = 1, /* it has backslashes */
    WM_STRING_REWRITE = 2, /* an escape is not in its normal spelling */
    WM_STRING_BAD_UTF8 = 4
};

/* The first byte that is no blank. */
static inline const char *wm_json_skip_blanks(const char *p, const char *end)
{
    for (; p < end && (unsigned char)*p <= ' '; p++) {
        if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t')
            return p;
#ifdef __SSE2__
        /* Indentation: a run of spaces behind the line's end. */
        while (*p != ' ' && end - p > 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
            unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(' ')));

            if (spaces != 0xffff) {
                p += __builtin_ctz(~spaces);
                break;
            }
            p += 16;
        }
#endif
    }
    return p;
}

/* The first quote, backslash or control character; HIGH becomes true when a byte before it is not
 * ASCII. */
static inline const char *wm_json_run(const char *p, const char *end, int *high)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);

    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, control), v);
        __m128i special = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(special, low));
        unsigned eight = (unsigned)_mm_movemask_epi8(v);

        if (hit) {
            *high |= (eight & (hit ^ (hit - 1))) != 0;
            return p + __builtin_ctz(hit);
        }
        *high |= eight != 0;
        p += 16;
    }
#endif
    for (; p < end && *p != '"' && *p != '\\'; p++) {
        if ((unsigned char)*p < 0x20)
            break;
        *high |= (unsigned char)*p >= 0x80;
    }
    return p;
}

/* Behind the closing quote of the string whose first character is at P; NULL when it is none.
 * NEEDS gets what was found (WM_STRING_*). */
const char *wm_json_string_end(const char *p, const char *end, unsigned *needs);

/* Behind the number at P; NULL when it is none.  FANCY becomes true when it may not be storable. */
const char *wm_json_number_end(const char *p, const char *end, int *fancy);

/* Behind the literal at P (true, false, null, NaN, Infinity, -Infinity); NULL when it is none. */
const char *wm_json_literal_end(const char *p, const char *end, wm_json_type *type, int *nonfinite);

/* Write the string SOURCE (between its quotes, checked by wm_json_string_end) in its normal spelling
 * to OUT, which has room for 3 * SIZE bytes; returns the size and adds to FLAGS what was repaired. */
size_t wm_json_rewrite(char *out, const char *source, size_t size, apr_uint32_t *flags);

/* Check the value at P without keeping anything; the nesting is bounded by the text alone, one bit
 * per level in LEVELS.  NEXT gets what is behind the value, NULL when it is broken.  Fails like
 * wm_buf_reserve. */
const wm_err *wm_json_check(const char **next, const char *p, const char *end, wm_buf *levels);

#endif
