/* SPDX-License-Identifier: Apache-2.0 */
/* Values as text of a cell: numbers, strings, fields of a row. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>

#include "wm_export_int.h"
#include "wm_utf8.h"

/* The value of DIGITS, a number with a point or an exponent, whatever the process's locale is. */
static double value_of(const char *digits)
{
    static locale_t c_locale;
    locale_t locale = __atomic_load_n(&c_locale, __ATOMIC_ACQUIRE), none = (locale_t)0;

    if (!locale) {
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!__atomic_compare_exchange_n(&c_locale, &none, locale, 0, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE)) {
            freelocale(locale);
            locale = none;
        }
    }
    return strtod_l(digits, NULL, locale);
}

/* The shortest digits that read back as VALUE; returns their count, at most 17, and the place of the
 * point behind the first of them. */
static int shortest(double value, char digits[18], int *exponent)
{
    char text[40];
    int count = 0;

    for (int precision = 14; precision <= 16; precision++) {
        char *e;

        snprintf(text, sizeof text, "%.*e", precision, value);
        e = strchr(text, 'e');
        *exponent = (int)strtol(e + 1, NULL, 10);
        count = 0;
        for (const char *p = text; p < e; p++)
            if (apr_isdigit(*p))
                digits[count++] = *p;
        digits[count] = 0;
        snprintf(text, sizeof text, "%c.%.17se%d", digits[0], digits + 1, *exponent);
        if (value_of(text) == value)
            break;
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return count;
}

static size_t layout_float(char *out, int negative, const char *digits, int count, int exponent)
{
    char *p = out;

    if (negative)
        *p++ = '-';
    if (exponent < -4 || exponent > 15) {
        *p++ = digits[0];
        if (count > 1) {
            *p++ = '.';
            memcpy(p, digits + 1, (size_t)count - 1);
            p += count - 1;
        }
        p += snprintf(p, 8, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return (size_t)(p - out);
    }
    if (exponent < 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = -1; i > exponent; i--)
            *p++ = '0';
        memcpy(p, digits, (size_t)count);
        return (size_t)(p + count - out);
    }
    for (int i = 0; i <= exponent || i < count; i++) {
        if (i == exponent + 1)
            *p++ = '.';
        *p++ = i < count ? digits[i] : '0';
    }
    if (count <= exponent + 1) {
        *p++ = '.';
        *p++ = '0';
    }
    return (size_t)(p - out);
}

wm_text wm_export_float(wm_text text, char scratch[40])
{
    const char *p = text.data, *end = p + text.size;
    char digits[400], copy[400];
    int negative = p < end && *p == '-', count = 0, exponent = -1, point = 0, plain = 1;

    p += negative;
    for (; p < end && plain; p++) {
        if (*p == '.') {
            point = 1;
        } else if (!apr_isdigit(*p) || count >= 300) {
            plain = 0;
        } else if (count || *p != '0') {
            digits[count++] = *p;
            exponent += !point;
        } else if (point) {
            exponent--;
        }
    }
    while (plain && count && digits[count - 1] == '0')
        count--;
    if (plain && !count)
        return (wm_text){negative ? "-0.0" : "0.0", negative ? 4 : 3};
    /* Up to 15 digits are what a double gives back; more, or an exponent, take the long way. */
    if (!plain || count > 15) {
        double value;

        if (text.size >= sizeof copy)
            return text;
        memcpy(copy, text.data, text.size);
        copy[text.size] = 0;
        value = value_of(copy);
        if (value - value != 0)
            return text;
        if (value == 0)
            return (wm_text){negative ? "-0.0" : "0.0", negative ? 4 : 3};
        count = shortest(negative ? -value : value, digits, &exponent);
    }
    return (wm_text){scratch, layout_float(scratch, negative, digits, count, exponent)};
}

static int hex4(const char *p)
{
    int n = 0;

    for (int i = 0; i < 4; i++)
        n = n * 16 + (apr_isdigit(p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    return n;
}

const wm_err *wm_export_unquote(wm_buf *out, wm_text json)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = json.data + 1, *end = json.data + json.size - 1, *slash, *which;
    char *at;

    WM_TRY(wm_buf_reserve(out, json.size));
    at = out->data + out->size;
    while ((slash = memchr(p, '\\', (size_t)(end - p)))) {
        memcpy(at, p, (size_t)(slash - p));
        at += slash - p;
        p = slash + 2;
        /* jsonb writes control characters alone as \u. */
        if (slash[1] == 'u' && end - p >= 4) {
            at += wm_utf8_put(at, (apr_uint32_t)hex4(p));
            p += 4;
        } else if ((which = strchr(from, slash[1]))) {
            *at++ = to[which - from];
        } else {
            *at++ = slash[1];
        }
    }
    memcpy(at, p, (size_t)(end - p));
    out->size = (size_t)(at + (end - p) - out->data);
    return NULL;
}

const wm_err *wm_export_quote(wm_buf *out, wm_text text)
{
    static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
    char escape[8], *at;

    WM_TRY(wm_buf_reserve(out, 6 * text.size + 2));
    at = out->data + out->size;
    *at++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        const char *which = c ? strchr(from, c) : NULL;

        if (which) {
            *at++ = '\\';
            *at++ = to[which - from];
        } else if (c < 0x20) {
            snprintf(escape, sizeof escape, "\\u%04x", c);
            memcpy(at, escape, 6);
            at += 6;
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    out->size = (size_t)(at - out->data);
    return NULL;
}

/* Bytes of the line boundary at P, 0 when there is none: the set of Python's splitlines. */
static size_t boundary(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);

    if (*p == '\r')
        return left > 1 && p[1] == '\n' ? 2 : 1;
    if ((*p >= 0x0a && *p <= 0x0c) || (*p >= 0x1c && *p <= 0x1e))
        return 1;
    if (*p == 0xc2 && left > 1 && p[1] == 0x85)
        return 2;
    if (*p == 0xe2 && left > 2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
        return 3;
    return 0;
}

const wm_err *wm_export_strip(wm_buf *out, wm_text text, const char *replacement)
{
    const unsigned char *p = (const unsigned char *)text.data, *end = p + text.size, *from = p;

    while (p < end) {
        size_t size = *p > 0x1e && *p < 0xc2 ? 0 : boundary(p, end);

        if (!size) {
            p++;
            continue;
        }
        WM_TRY(wm_buf_add(out, from, (size_t)(p - from)));
        p += size;
        from = p;
        if (p < end && replacement && *replacement)
            WM_TRY(wm_buf_add(out, replacement, strlen(replacement)));
    }
    return wm_buf_add(out, from, (size_t)(p - from));
}

const wm_err *wm_export_field(wm_buf *out, wm_text text, char delimiter, int lone)
{
    const char *p = text.data, *end = p + text.size;
    char *at;

    if (!text.size && lone)
        return wm_buf_add(out, "\"\"", 2);
    while (p < end && *p != delimiter && *p != '"' && *p != '\r' && *p != '\n')
        p++;
    if (p == end)
        return wm_buf_add(out, text.data, text.size);
    WM_TRY(wm_buf_reserve(out, 2 * text.size + 2));
    at = out->data + out->size;
    *at++ = '"';
    for (p = text.data; p < end; p++) {
        if (*p == '"')
            *at++ = '"';
        *at++ = *p;
    }
    *at++ = '"';
    out->size = (size_t)(at - out->data);
    return NULL;
}
