/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "wm_base64.h"

/* What a character is: a digit from 0 to 63, or one of these. */
enum { SKIP = 64, PAD, ESCAPE, FOREIGN = 0xff };

#define XX FOREIGN
/* clang-format off */
static const unsigned char kinds[256] = {
    XX, XX, XX, XX, XX, XX, XX, XX, XX, SKIP, SKIP, XX, XX, SKIP, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    62, XX, XX, XX, XX, ESCAPE, XX, XX, XX, XX, XX, 62, XX, 62, XX, 63, /* blank % + - / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, PAD, XX, XX,
    XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, 63,     /* _ */
    XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
    XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
};
/* clang-format on */

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What the next character of the text is; *AT moves behind it. */
static unsigned char next_kind(const unsigned char **at, const unsigned char *end, int urlencoded)
{
    const unsigned char *p = *at;
    unsigned char kind = kinds[*p];
    int high, low;

    *at = p + 1;
    if (kind != ESCAPE)
        return kind;
    if (!urlencoded || end - p < 3 || (high = hex_value(p[1])) < 0 || (low = hex_value(p[2])) < 0)
        return FOREIGN;
    *at = p + 3;
    kind = kinds[high << 4 | low];
    return kind == ESCAPE ? FOREIGN : kind;
}

/* As many whole runs of four digits as follow each other from *AT on, written to TO. */
static unsigned char *decode_runs(unsigned char *to, const unsigned char **at,
                                  const unsigned char *end)
{
    const unsigned char *p = *at;

    for (; end - p >= 4; p += 4, to += 3) {
        unsigned a = kinds[p[0]], b = kinds[p[1]], c = kinds[p[2]], d = kinds[p[3]];
        unsigned bits = a << 18 | b << 12 | c << 6 | d;

        if ((a | b | c | d) >= SKIP)
            break;
        to[0] = (unsigned char)(bits >> 16);
        to[1] = (unsigned char)(bits >> 8);
        to[2] = (unsigned char)bits;
    }
    *at = p;
    return to;
}

/* Write what DATA stands for to TO, which has room for it; NULL when it is no base64.  Whatever
 * interrupts the runs is taken one character at a time until a group of four is whole again. */
static unsigned char *decode(unsigned char *to, const unsigned char *at, const unsigned char *end,
                             int urlencoded)
{
    uint32_t bits = 0;
    int digits = 0, padded = 0;

    for (;;) {
        unsigned char kind;

        if (!digits && !padded)
            to = decode_runs(to, &at, end);
        if (at >= end)
            break;
        kind = next_kind(&at, end, urlencoded);
        if (kind == SKIP)
            continue;
        if (kind == PAD) {
            padded = 1;
            continue;
        }
        if (kind == FOREIGN || padded)
            return NULL;
        bits = bits << 6 | kind;
        if (++digits == 4) {
            *to++ = (unsigned char)(bits >> 16);
            *to++ = (unsigned char)(bits >> 8);
            *to++ = (unsigned char)bits;
            digits = 0;
        }
    }
    if (digits == 1)
        return NULL;
    if (digits > 1)
        *to++ = (unsigned char)(bits >> (digits == 2 ? 4 : 10));
    if (digits > 2)
        *to++ = (unsigned char)(bits >> 2);
    return to;
}

const wm_err *wm_base64_decode(int *good, wm_buf *out, const char *data, size_t size,
                               int urlencoded)
{
    const unsigned char *from = (const unsigned char *)data;
    unsigned char *to;

    *good = 1;
    if (!size)
        return NULL;
    WM_TRY(wm_buf_reserve(out, size / 4 * 3 + 3));
    to = decode((unsigned char *)out->data + out->size, from, from + size, urlencoded);
    if (to)
        out->size = (size_t)(to - (unsigned char *)out->data);
    else
        *good = 0;
    return NULL;
}
