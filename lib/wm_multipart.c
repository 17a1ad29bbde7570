/* SPDX-License-Identifier: Apache-2.0 */
/* The multipart half of wm_form.h. */
#include "config.h" /* _GNU_SOURCE: memmem */

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "wm_form_own.h"

enum { BOUNDARY_MAX = 200 }; /* RFC 2046 allows 70 */

/* What the headers of a part say. */
typedef struct part_head {
    wm_text name; /* as it stands there; data is NULL without one */
    int quoted;   /* that is inside of a quoted string */
    wm_text content_type;
    int is_file;
} part_head;

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n'; /* CR LF: of a folded header */
}

static wm_text trim(const char *from, const char *to)
{
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    return (wm_text){from, (size_t)(to - from)};
}

static int is_name(wm_text text, const char *name)
{
    return text.size == strlen(name) && !strncasecmp(text.data, name, text.size);
}

/* Where the quoted string behind the quote AT ends: at its closing quote, or END. */
static const char *quoted_end(const char *at, const char *end)
{
    while (at < end && *at != '"') {
        if (*at == '\\' && end - at > 1 && (at[1] == '"' || at[1] == '\\'))
            at++;
        at++;
    }
    return at;
}

/* The next parameter of a header's value, from *AT on; its NAME is empty at the end.  *QUOTED:
 * VALUE is the inside of a quoted string, its backslashes still there. */
static wm_text next_param(const char **at, const char *end, wm_text *value, int *quoted)
{
    const char *p = *at, *start;
    wm_text name;

    *value = (wm_text){"", 0};
    *quoted = 0;
    while (p < end && (*p == ';' || is_blank(*p)))
        p++;
    for (start = p; p < end && *p != '=' && *p != ';'; p++)
        ;
    name = trim(start, p);
    if (p < end && *p == '=') {
        for (p++; p < end && is_blank(*p); p++)
            ;
        if (p < end && *p == '"') {
            start = p + 1;
            p = quoted_end(start, end);
            *value = (wm_text){start, (size_t)(p - start)};
            *quoted = 1;
            for (; p < end && *p != ';'; p++)
                ;
        } else {
            for (start = p; p < end && *p != ';'; p++)
                ;
            *value = trim(start, p);
        }
    }
    *at = p;
    return name;
}

/* VALUE without the backslashes of a quoted string and, with PERCENT, without the three escapes
 * that browsers put into part names (4.3).  A copy only when something changed. */
static wm_text unescape(wm_text value, int quoted, int percent, apr_pool_t *pool)
{
    static const struct {
        char text[4];
        char is;
    } escapes[] = {{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}};
    const char *at = value.data, *end = at + value.size;
    char *copy, *to;

    if (!(quoted && memchr(at, '\\', value.size)) && !(percent && memchr(at, '%', value.size)))
        return value;
    copy = to = apr_palloc(pool, value.size);
    while (at < end) {
        char c = *at++;

        if (quoted && c == '\\' && at < end && (*at == '"' || *at == '\\'))
            c = *at++;
        else if (percent && c == '%' && end - at >= 2) {
            for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
                if (!strncasecmp(at, escapes[i].text + 1, 2)) {
                    c = escapes[i].is;
                    at += 2;
                    break;
                }
            }
        }
        *to++ = c;
    }
    return (wm_text){copy, (size_t)(to - copy)};
}

static const wm_err *find_boundary(wm_text *boundary, const char *content_type, apr_pool_t *pool)
{
    const char *at = content_type ? strchr(content_type, ';') : NULL, *end;
    wm_text name, value;
    int quoted;

    if (at) {
        end = at + strlen(at);
        while ((name = next_param(&at, end, &value, &quoted)).size || at < end) {
            if (!is_name(name, "boundary"))
                continue;
            *boundary = unescape(value, quoted, 0, pool);
            if (boundary->size && boundary->size <= BOUNDARY_MAX)
                return NULL;
            return wm_err_make(pool, WM_E_INPUT, "a multipart boundary of %zu characters",
                               boundary->size);
        }
    }
    return wm_err_make(pool, WM_E_INPUT, "multipart/form-data without a boundary parameter");
}

static void read_disposition(part_head *head, wm_text header)
{
    const char *end = header.data + header.size;
    const char *at = memchr(header.data, ';', header.size);
    wm_text name, value;
    int quoted;

    if (!at)
        return;
    while ((name = next_param(&at, end, &value, &quoted)).size || at < end) {
        if (is_name(name, "filename") || is_name(name, "filename*"))
            head->is_file = 1;
        else if (is_name(name, "name") && !head->name.data) {
            head->name = value;
            head->quoted = quoted;
        }
    }
}

/* The headers between AT and END, each with its CR LF. */
static void read_head(part_head *head, const char *at, const char *end)
{
    memset(head, 0, sizeof *head);
    while (at < end) {
        const char *stop = at, *colon;
        wm_text name, value;

        do {
            stop = memmem(stop, (size_t)(end - stop), "\r\n", 2);
            stop = stop ? stop + 2 : end;
        } while (stop < end && (*stop == ' ' || *stop == '\t'));
        colon = memchr(at, ':', (size_t)(stop - at));
        if (colon) {
            name = trim(at, colon);
            value = trim(colon + 1, stop);
            if (is_name(name, "Content-Disposition"))
                read_disposition(head, value);
            else if (is_name(name, "Content-Type"))
                head->content_type = value;
        }
        at = stop;
    }
}

static const wm_err *add_file(wm_form *form, const part_head *head, wm_text content, wm_hold *hold,
                              apr_pool_t *pool)
{
    wm_file *file;

    if (form->files->nelts == WM_FORM_FILES_MAX) {
        form->more_files = 1;
        return NULL;
    }
    WM_TRY(wm_hold_add(hold, sizeof *file + head->name.size));
    file = apr_array_push(form->files);
    memset(file, 0, sizeof *file);
    file->identifier = unescape(head->name, head->quoted, 1, pool);
    file->content_type = head->content_type;
    if (!file->content_type.size)
        file->content_type = (wm_text){"application/octet-stream", 24};
    file->content = content;
    return NULL;
}

/* One part between its delimiters: headers, an empty line, content.  FROM is at the CR LF that
 * ends the delimiter's line, so that a part without headers has its empty line too. */
static const wm_err *add_part(wm_form *form, const char *from, const char *to, wm_hold *hold,
                              apr_pool_t *pool)
{
    const char *blank = memmem(from, (size_t)(to - from), "\r\n\r\n", 4);
    part_head head;
    wm_text content;

    if (!blank)
        return wm_err_make(pool, WM_E_INPUT, "a part's headers do not end");
    read_head(&head, from + 2, blank + 2);
    if (!head.name.data)
        return wm_err_make(pool, WM_E_INPUT, "a part has no name");
    content = (wm_text){blank + 4, (size_t)(to - blank - 4)};
    if (head.is_file)
        return add_file(form, &head, content, hold, pool);
    wm_form_set(form, head.name, content, 0); /* no escape makes a name one of the known ones */
    return NULL;
}

/* Looks for delimiters; what only begins like one belongs to the content. */
typedef struct delimiter {
    char text[BOUNDARY_MAX + 4]; /* CR LF -- boundary */
    size_t size;
    const char *start; /* at its CR LF, or at the body's first byte */
    const char *after; /* at the CR LF that ends its line */
    int closes;        /* with -- behind it */
} delimiter;

/* Whether what stands at AT, behind CR LF -- boundary, makes it a delimiter. */
static int ends_delimiter(delimiter *d, const char *at, const char *end)
{
    d->closes = end - at >= 2 && at[0] == '-' && at[1] == '-';
    if (d->closes)
        at += 2;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    d->after = at;
    return (end - at >= 2 && at[0] == '\r' && at[1] == '\n') || (d->closes && at == end);
}

static int next_delimiter(delimiter *d, const char *from, const char *end)
{
    const char *at = from;

    while ((at = memmem(at, (size_t)(end - at), d->text, d->size))) {
        d->start = at;
        at += d->size;
        if (ends_delimiter(d, at, end))
            return 1;
    }
    return 0;
}

/* The first delimiter may be the body's first line, or follow a preamble. */
static int first_delimiter(delimiter *d, const char *data, const char *end)
{
    size_t size = d->size - 2;

    d->start = data;
    if ((size_t)(end - data) >= size && !memcmp(data, d->text + 2, size) &&
        ends_delimiter(d, data + size, end))
        return 1;
    return next_delimiter(d, data, end);
}

const wm_err *wm_form_parse_multipart(wm_form **result, const char *content_type, const char *data,
                                      size_t size, wm_hold *hold, apr_pool_t *pool)
{
    wm_form *form = wm_form_create(pool);
    const char *end = data + size;
    wm_text boundary = {NULL, 0};
    delimiter d;
    int found;

    WM_TRY(find_boundary(&boundary, content_type, pool));
    memcpy(d.text, "\r\n--", 4);
    memcpy(d.text + 4, boundary.data, boundary.size);
    d.size = boundary.size + 4;

    found = size && first_delimiter(&d, data, end);
    while (found && !d.closes) {
        const char *from = d.after;

        found = next_delimiter(&d, from, end);
        if (!found)
            break;
        WM_TRY(add_part(form, from, d.start, hold, pool));
    }
    if (!found)
        return wm_err_make(pool, WM_E_INPUT, "the multipart body has no closing boundary");
    *result = form;
    return NULL;
}
