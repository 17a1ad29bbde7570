/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: from any spelling to the normal one, and from that to the text they mean. */
#include <string.h>

#include "wm_json_scan.h"
#include "wm_utf8.h"

typedef struct rewriter {
    char *w;
    const char *p, *end;
    apr_uint32_t flags;
} rewriter;

static unsigned hex4(const char *p)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
    return value;
}

static void put_replacement(rewriter *r, apr_uint32_t flag)
{
    memcpy(r->w, WM_UTF8_REPLACEMENT, 3);
    r->w += 3;
    r->flags |= flag;
}

/* CODE, which is no surrogate, as a string in its normal spelling has it. */
static void put_code(rewriter *r, unsigned code)
{
    static const char hex[] = "0123456789abcdef";
    static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *s;

    if (!code) {
        r->flags |= WM_F_NUL_REMOVED;
        return;
    }
    s = code < 0x80 ? strchr(shorts, (int)code) : NULL;
    if (s) {
        *r->w++ = '\\';
        *r->w++ = letters[s - shorts];
    } else if (code < 0x20) {
        memcpy(r->w, "\\u00", 4);
        r->w[4] = hex[code >> 4];
        r->w[5] = hex[code & 15];
        r->w += 6;
    } else {
        r->w += wm_utf8_put(r->w, code);
    }
}

/* The escape uXXXX behind the backslash at p, with its second half when it is a pair. */
static void put_unicode(rewriter *r)
{
    unsigned code = hex4(r->p + 2), low;

    r->p += 6;
    if (code < 0xd800 || code > 0xdfff) {
        put_code(r, code);
        return;
    }
    if (code < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u') {
        low = hex4(r->p + 2);
        if (low >= 0xdc00 && low <= 0xdfff) {
            r->p += 6;
            put_code(r, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
            return;
        }
    }
    put_replacement(r, WM_F_SURROGATE_REPLACED);
}

size_t wm_json_rewrite(char *out, const char *source, size_t size, apr_uint32_t *flags)
{
    rewriter r = {out, source, source + size, 0};

    while (r.p < r.end) {
        int good;
        size_t step;

        if (*r.p == '\\' && r.p[1] == 'u') {
            put_unicode(&r);
        } else if (*r.p == '\\' && r.p[1] == '/') {
            *r.w++ = '/';
            r.p += 2;
        } else if (*r.p == '\\') {
            *r.w++ = *r.p++;
            *r.w++ = *r.p++;
        } else {
            step = wm_utf8_step(r.p, r.end, &good);
            if (good) {
                memcpy(r.w, r.p, step);
                r.w += step;
            } else {
                put_replacement(&r, WM_F_UTF8_REPLACED);
            }
            r.p += step;
        }
    }
    *flags |= r.flags;
    return (size_t)(r.w - out);
}

/* The text that a string in its normal spelling means. */
static wm_text decode(const char *text, size_t size, apr_pool_t *pool)
{
    char *copy = apr_palloc(pool, size + 1), *w = copy;
    const char *p = text, *end = text + size;

    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);

        memcpy(w, p, run);
        w += run;
        p += run;
        if (p == end)
            break;
        switch (p[1]) {
        case 'b':
            *w++ = '\b';
            break;
        case 'f':
            *w++ = '\f';
            break;
        case 'n':
            *w++ = '\n';
            break;
        case 'r':
            *w++ = '\r';
            break;
        case 't':
            *w++ = '\t';
            break;
        case 'u':
            *w++ = (char)hex4(p + 2);
            p += 4;
            break;
        default:
            *w++ = p[1];
        }
        p += 2;
    }
    return (wm_text){copy, (size_t)(w - copy)};
}

wm_text wm_json_value(const wm_json *json, const wm_json_node *node, apr_pool_t *pool)
{
    const char *text = wm_json_text_at(json, node);

    if (node->bits & WM_JSON_TEXT_ESCAPED)
        return decode(text, node->size, pool);
    return (wm_text){text, node->size};
}

wm_text wm_json_key(const wm_json *json, const wm_json_node *node, apr_pool_t *pool)
{
    const char *key = wm_json_key_at(json, node);

    if (node->bits & WM_JSON_KEY_ESCAPED)
        return decode(key, node->key_size, pool);
    return (wm_text){key, node->key_size};
}

const wm_json_node *wm_json_member(const wm_json *json, apr_uint32_t at, const char *key,
                                   size_t size)
{
    const wm_json_node *nodes = json->nodes, *found = NULL;

    for (apr_uint32_t i = at + 1; i < nodes[at].next; i = nodes[i].next)
        if (nodes[i].key_size == size && !memcmp(wm_json_key_at(json, &nodes[i]), key, size))
            found = &nodes[i];
    return found;
}
