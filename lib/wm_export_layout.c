/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a jsonb value in another layout: "key": value, "key": [1, 2].  It is valid JSON, since
 * the database made it, or the beginning of such. */
#include <stdio.h>
#include <string.h>

#include <apr_lib.h>

#include "wm_export_int.h"
#include "wm_utf8.h"

enum { DEPTH_MAX = 2048 };

typedef struct layout {
    wm_buf *out;
    const wm_export_json *how;
    const char *at, *end;
    int depth;
    int metadata;                    /* inside passive-data-metadata of the outermost object */
    unsigned char filled[DEPTH_MAX]; /* whether the container at this depth has something */
} layout;

static const wm_err *put(layout *l, const char *text)
{
    return wm_buf_add(l->out, text, strlen(text));
}

static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p < end ? p + 1 : end;
}

/* A string with what is beyond ASCII escaped, as Python's json.dumps does. */
static const wm_err *put_ascii(layout *l, const char *p, const char *end)
{
    char escape[16];

    while (p < end) {
        const char *from = p;
        apr_uint32_t code;
        size_t size;
        int good;

        while (p < end && (unsigned char)*p < 0x7f)
            p++;
        WM_TRY(wm_buf_add(l->out, from, (size_t)(p - from)));
        if (p == end)
            break;
        size = wm_utf8_step(p, end, &good);
        code = size == 1   ? (unsigned char)*p
               : size == 2 ? (*p & 0x1fu)
               : size == 3 ? (*p & 0x0fu)
                           : (*p & 0x07u);
        for (size_t i = 1; i < size; i++)
            code = code << 6 | (p[i] & 0x3fu);
        if (!good)
            code = 0xfffd;
        if (code > 0xffff)
            snprintf(escape, sizeof escape, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                     0xdc00 + ((code - 0x10000) & 0x3ff));
        else
            snprintf(escape, sizeof escape, "\\u%04x", code);
        WM_TRY(put(l, escape));
        p += size;
    }
    return NULL;
}

/* Nothing but blanks differs from what is stored. */
static int as_stored(const layout *l)
{
    return l->how->style == WM_EXPORT_COMPACT || l->how->style == WM_EXPORT_SHOWN;
}

static const wm_err *put_part(layout *l, const char *p, const char *end)
{
    return as_stored(l) ? wm_buf_add(l->out, p, (size_t)(end - p)) : put_ascii(l, p, end);
}

/* The string from P, quotes included, with the pseudonym where it tells the identifier. */
static const wm_err *put_string(layout *l, const char *p, const char *end)
{
    wm_text inside = {p + 1, (size_t)(end - p) - 2}, where;

    while (l->how->hidden &&
           wm_export_tells(&where, p + (p < inside.data), inside, l->how->hidden, 1)) {
        WM_TRY(put_part(l, p, where.data));
        WM_TRY(put(l, wm_export_hidden_shown(l->how->hidden)));
        p = where.data + where.size;
    }
    return put_part(l, p, end);
}

/* The pseudonym as a string of its own. */
static const wm_err *put_shown(layout *l)
{
    const char *shown = wm_export_hidden_shown(l->how->hidden);

    return wm_export_quote(l->out, (wm_text){shown, strlen(shown)});
}

static const wm_err *put_scalar(layout *l)
{
    const char *from = l->at;
    wm_text text;
    char scratch[40];

    if (*from == '"') {
        l->at = string_end(from, l->end);
        return put_string(l, from, l->at);
    }
    while (l->at < l->end && !strchr(",]} \n", *l->at))
        l->at++;
    text = (wm_text){from, (size_t)(l->at - from)};
    if (l->how->hidden && wm_export_is_number_of(text, l->how->hidden))
        return put_shown(l);
    if (!as_stored(l) && memchr(from, '.', text.size))
        text = wm_export_float(text, scratch);
    return wm_buf_add(l->out, text.data, text.size);
}

static const wm_err *new_line(layout *l)
{
    size_t indent = 2 * (size_t)(l->depth + l->how->base);

    if (l->how->style != WM_EXPORT_PRETTY && l->how->style != WM_EXPORT_SHOWN)
        return NULL;
    WM_TRY(wm_buf_reserve(l->out, 1 + indent));
    l->out->data[l->out->size] = '\n';
    memset(l->out->data + l->out->size + 1, ' ', indent);
    l->out->size += 1 + indent;
    return NULL;
}

/* Behind the value at P, which nobody is to see. */
static const char *skip_value(const char *p, const char *end)
{
    int depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = string_end(p, end);
        } else {
            if (*p == '{' || *p == '[')
                depth++;
            else if (*p == '}' || *p == ']')
                depth--;
            if (depth < 0)
                return p;
            p++;
        }
        if (!depth && (p == end || *p == ',' || *p == '}' || *p == ']'))
            return p;
    }
    return end;
}

static const wm_err *before_item(layout *l)
{
    if (l->filled[l->depth - 1])
        WM_TRY(put(l, l->how->style == WM_EXPORT_LINE ? ", " : ","));
    l->filled[l->depth - 1] = 1;
    return new_line(l);
}

static const wm_err *put_name(layout *l, const char *key, const char *end)
{
    WM_TRY(before_item(l));
    WM_TRY(put_string(l, key, end));
    return put(l, l->how->style == WM_EXPORT_COMPACT ? ":" : ": ");
}

/* The mask of a value. */
static const wm_err *put_mask(layout *l)
{
    ++*l->how->masked;
    return wm_export_quote(l->out, (wm_text){l->how->mask, strlen(l->how->mask)});
}

/* Clients mark what is sensitive.  Where somebody is they do not, in the metadata of any point, nor
 * what those generators send that are older than the mark. */
static int is_sensitive(const wm_export_json *how, const char *name, size_t size)
{
    return name[size - 1] == '*' || name[size - 1] == '!' ||
           wm_export_listed("latitude longitude", ' ', name, size) ||
           wm_export_listed(how->unmarked, ' ', name, size);
}

/* The member at the cursor up to its value; *DONE when there is nothing more to write of it. */
static const wm_err *put_key(layout *l, int *done)
{
    const char *key = l->at, *end = string_end(key, l->end);
    size_t size = (size_t)(end - key);
    const char *value = end + (end < l->end);

    while (value < l->end && *value == ' ')
        value++;
    *done = l->how->insensitive && size > 2 && is_sensitive(l->how, key + 1, size - 2);
    if (*done) {
        l->at = skip_value(value, l->end);
        if (!l->how->mask)
            return NULL;
        WM_TRY(put_name(l, key, end));
        return put_mask(l);
    }
    WM_TRY(put_name(l, key, end));
    l->at = value;
    if (l->depth == 1)
        l->metadata = size == 23 && !memcmp(key, "\"passive-data-metadata\"", 23);
    /* Whatever it is: of a source that was renamed it is not the identifier. */
    if (l->how->hidden && l->depth == 2 && l->metadata && size == 8 &&
        !memcmp(key, "\"source\"", 8)) {
        *done = 1;
        l->at = skip_value(value, l->end);
        return put_shown(l);
    }
    return NULL;
}

static const wm_err *close_container(layout *l)
{
    char c = *l->at++;

    l->depth--;
    if (l->filled[l->depth])
        WM_TRY(new_line(l));
    return wm_buf_add(l->out, &c, 1);
}

const wm_err *wm_export_layout(wm_buf *out, wm_text json, const wm_export_json *how)
{
    layout l = {.out = out, .how = how, .at = json.data, .end = json.data + json.size};
    char objects[DEPTH_MAX];

    while (l.at < l.end && (!how->most || out->size < how->most)) {
        int done = 0;

        if (*l.at == ' ' || *l.at == ',') {
            l.at++;
            continue;
        }
        if (*l.at == '}' || *l.at == ']') {
            if (!l.depth)
                break;
            WM_TRY(close_container(&l));
            continue;
        }
        if (l.depth && objects[l.depth - 1])
            WM_TRY(put_key(&l, &done));
        else if (l.depth)
            WM_TRY(before_item(&l));
        if (done)
            continue;
        if (*l.at != '{' && *l.at != '[') {
            WM_TRY(put_scalar(&l));
            continue;
        }
        if (l.depth == DEPTH_MAX)
            return wm_err_make(out->pool, WM_E_SYSTEM, "JSON nests deeper than %d", DEPTH_MAX);
        WM_TRY(wm_buf_add(out, l.at, 1));
        objects[l.depth] = *l.at == '{';
        l.filled[l.depth++] = 0;
        l.at++;
    }
    return NULL;
}
