/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wm_utf8.h"

/* What the second byte may be after LEAD, and how many continuation bytes follow; 0: no lead. */
static int second_range(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef)
        return 2;
    return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

size_t wm_utf8_step(const char *data, const char *end, int *good)
{
    const unsigned char *p = (const unsigned char *)data;
    size_t room = (size_t)(end - data);
    unsigned char low, high;
    int more;

    *good = *p < 0x80;
    if (*good)
        return 1;
    more = second_range(*p, &low, &high);
    for (int i = 1; i <= more; i++) {
        if ((size_t)i >= room || p[i] < low || p[i] > high)
            return (size_t)i;
        low = 0x80;
        high = 0xbf;
    }
    *good = more > 0;
    return (size_t)more + 1;
}

int wm_utf8_valid(const char *data, const char *end)
{
    while (data < end) {
        apr_uint64_t eight;
        int good;

        if (end - data >= 8) {
            memcpy(&eight, data, 8);
            if (!(eight & APR_UINT64_C(0x8080808080808080))) {
                data += 8;
                continue;
            }
        }
        data += wm_utf8_step(data, end, &good);
        if (!good)
            return 0;
    }
    return 1;
}

size_t wm_utf8_count(const char *data, size_t size)
{
    size_t count = 0;

    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)data[i] & 0xc0) != 0x80;
    return count;
}

size_t wm_utf8_put(char *out, apr_uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

apr_uint32_t wm_utf8_repair(wm_text *text, apr_pool_t *pool)
{
    const char *p = text->data, *end = p + text->size;
    apr_uint32_t flags = 0;
    char *copy, *w;

    if (!text->size || (wm_utf8_valid(p, end) && !memchr(p, '\0', text->size)))
        return 0;
    w = copy = apr_palloc(pool, 3 * text->size);
    while (p < end) {
        int good;
        size_t step = wm_utf8_step(p, end, &good);

        if (!good) {
            memcpy(w, WM_UTF8_REPLACEMENT, 3);
            w += 3;
            flags |= WM_F_UTF8_REPLACED;
        } else if (!*p) {
            flags |= WM_F_NUL_REMOVED;
        } else {
            memcpy(w, p, step);
            w += step;
        }
        p += step;
    }
    text->data = copy;
    text->size = (size_t)(w - copy);
    return flags;
}
