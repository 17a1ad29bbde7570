/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus_json.h"

void corpus_put(wm_buf *out, const char *text, size_t size)
{
    const wm_err *err = wm_buf_add(out, text, size);

    if (err) {
        fprintf(stderr, "corpus: %s\n", err->why);
        exit(1);
    }
}

void corpus_puts(wm_buf *out, const char *text)
{
    corpus_put(out, text, strlen(text));
}

void corpus_putf(wm_buf *out, const char *format, ...)
{
    char text[1024];
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    corpus_put(out, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
}

static void put_quoted(wm_buf *out, const char *text)
{
    corpus_put(out, "\"", 1);
    for (;;) {
        size_t plain = 0;

        while ((unsigned char)text[plain] >= ' ' && text[plain] != '"' && text[plain] != '\\')
            plain++;
        corpus_put(out, text, plain);
        text += plain;
        if (!*text)
            break;
        switch (*text) {
        case '\n':
            corpus_puts(out, "\\n");
            break;
        case '\r':
            corpus_puts(out, "\\r");
            break;
        case '\t':
            corpus_puts(out, "\\t");
            break;
        case '"':
        case '\\':
            corpus_put(out, "\\", 1);
            corpus_put(out, text, 1);
            break;
        default:
            corpus_putf(out, "\\u%04x", (unsigned)*text);
        }
        text++;
    }
    corpus_put(out, "\"", 1);
}

static void new_line(corpus_json *json)
{
    static const char blanks[] = "\n                                        ";

    corpus_put(json->out, blanks, 1 + 2 * (size_t)json->depth);
}

static void begin_value(corpus_json *json, const char *key)
{
    if (json->filled)
        corpus_put(json->out, ",", 1);
    if (json->depth)
        new_line(json);
    if (key) {
        put_quoted(json->out, key);
        corpus_put(json->out, ": ", 2);
    }
    json->filled = 1;
}

void corpus_json_open(corpus_json *json, const char *key, char bracket)
{
    begin_value(json, key);
    corpus_put(json->out, &bracket, 1);
    json->depth++;
    json->filled = 0;
}

void corpus_json_close(corpus_json *json, char bracket)
{
    json->depth--;
    if (json->filled)
        new_line(json);
    corpus_put(json->out, &bracket, 1);
    json->filled = 1;
}

void corpus_json_text(corpus_json *json, const char *key, const char *text)
{
    begin_value(json, key);
    put_quoted(json->out, text);
}

void corpus_json_int(corpus_json *json, const char *key, apr_int64_t value)
{
    begin_value(json, key);
    corpus_putf(json->out, "%" APR_INT64_T_FMT, value);
}

void corpus_json_milli(corpus_json *json, const char *key, apr_int64_t milli)
{
    char text[40];
    int size;

    begin_value(json, key);
    size =
        snprintf(text, sizeof text, "%" APR_INT64_T_FMT ".%03d", milli / 1000, (int)(milli % 1000));
    while (text[size - 1] == '0')
        size--;
    if (text[size - 1] == '.')
        size--;
    corpus_put(json->out, text, (size_t)size);
}

void corpus_json_bool(corpus_json *json, const char *key, int value)
{
    begin_value(json, key);
    corpus_puts(json->out, value ? "true" : "false");
}
