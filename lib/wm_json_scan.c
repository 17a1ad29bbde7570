/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wm_decimal.h"
#include "wm_json_scan.h"
#include "wm_utf8.h"

static int is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* Behind the escape whose backslash is at P. */
static const char *escape_end(const char *p, const char *end, unsigned *needs)
{
    if (end - p < 2)
        return NULL;
    switch (p[1]) {
    case '"':
    case '\\':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case '/':
        *needs |= WM_STRING_REWRITE;
        return p + 2;
    case 'u':
        if (end - p < 6 || !is_hex(p[2]) || !is_hex(p[3]) || !is_hex(p[4]) || !is_hex(p[5]))
            return NULL;
        *needs |= WM_STRING_REWRITE;
        return p + 6;
    default:
        return NULL;
    }
}

const char *wm_json_string_end(const char *p, const char *end, unsigned *needs)
{
    const char *start = p;
    int high = 0;

    *needs = 0;
    for (;;) {
        p = wm_json_run(p, end, &high);
        if (p == end || (unsigned char)*p < 0x20)
            return NULL;
        if (*p == '"')
            break;
        *needs |= WM_STRING_ESCAPED;
        p = escape_end(p, end, needs);
        if (!p)
            return NULL;
    }
    if (high && !wm_utf8_valid(start, p))
        *needs |= WM_STRING_BAD_UTF8;
    return p + 1;
}

static const char *digits_end(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

const char *wm_json_number_end(const char *p, const char *end, int *fancy)
{
    const char *start = p, *digits;

    if (p < end && *p == '-')
        p++;
    digits = p;
    p = digits_end(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (p < end && *p == '.') {
        digits = ++p;
        p = digits_end(p, end);
        if (p == digits)
            return NULL;
    }
    *fancy = p - start > 300;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = digits_end(p, end);
        if (p == digits)
            return NULL;
        *fancy = 1;
    }
    return p;
}

const char *wm_json_literal_end(const char *p, const char *end, wm_json_type *type, int *nonfinite)
{
    static const struct {
        char word[10];
        unsigned char size, type, nonfinite;
    } words[] = {{"null", 4, WM_JSON_NULL, 0},     {"true", 4, WM_JSON_TRUE, 0},
                 {"false", 5, WM_JSON_FALSE, 0},   {"NaN", 3, WM_JSON_NULL, 1},
                 {"Infinity", 8, WM_JSON_NULL, 1}, {"-Infinity", 9, WM_JSON_NULL, 1}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (end - p >= words[i].size && !memcmp(p, words[i].word, words[i].size)) {
            *type = words[i].type;
            *nonfinite = words[i].nonfinite;
            return p + words[i].size;
        }
    return NULL;
}

static int check_scalar(const char **p, const char *end)
{
    wm_json_type type;
    unsigned needs;
    int any;

    if (**p == '"')
        *p = wm_json_string_end(*p + 1, end, &needs);
    else if (**p == '-' || (**p >= '0' && **p <= '9')) {
        const char *number = wm_json_number_end(*p, end, &any);

        *p = number ? number : wm_json_literal_end(*p, end, &type, &any);
    } else
        *p = wm_json_literal_end(*p, end, &type, &any);
    return *p != NULL;
}

/* "key": and the blanks around. */
static int check_key(const char **p, const char *end)
{
    unsigned needs;

    *p = wm_json_skip_blanks(*p, end);
    if (*p == end || **p != '"' || !(*p = wm_json_string_end(*p + 1, end, &needs)))
        return 0;
    *p = wm_json_skip_blanks(*p, end);
    return *p < end && *(*p)++ == ':';
}

static const wm_err *push_level(wm_buf *levels, size_t depth, int object)
{
    if (depth / 8 >= levels->size) {
        WM_TRY(wm_buf_add(levels, "", 1));
    }
    levels->data[depth / 8] =
        (char)((levels->data[depth / 8] & ~(1 << depth % 8)) | object << depth % 8);
    return NULL;
}

const wm_err *wm_json_check(const char **next, const char *p, const char *end, wm_buf *levels)
{
    size_t depth = 0;
    int object = 0;

    *next = NULL;
    levels->size = 0;
    for (;;) {
        if (object && !check_key(&p, end))
            return NULL;
        p = wm_json_skip_blanks(p, end);
        if (p == end)
            return NULL;
        if (*p == '{' || *p == '[') {
            object = *p == '{';
            WM_TRY(push_level(levels, depth++, object));
            p = wm_json_skip_blanks(p + 1, end);
            if (p < end && *p != (object ? '}' : ']'))
                continue;
        } else if (!check_scalar(&p, end)) {
            return NULL;
        }
        for (;; p++) { /* close what ends here */
            if (!depth) {
                *next = p;
                return NULL;
            }
            p = wm_json_skip_blanks(p, end);
            if (p == end)
                return NULL;
            if (*p == ',')
                break;
            if (*p != (object ? '}' : ']'))
                return NULL;
            depth--;
            object = depth && levels->data[(depth - 1) / 8] >> (depth - 1) % 8 & 1;
        }
        p++;
    }
}
