/* SPDX-License-Identifier: Apache-2.0 */
/* Where the data of participants tell who they are, although pseudonyms stand for their identifiers:
 * in members of documents, in addresses, in titles of pages. */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "wm_export_int.h"
#include "wm_url.h"

/* Shorter identifiers count as words of their own alone: "al" is part of many. */
enum { LONG = 6 };

struct wm_export_hidden {
    wm_text plain;   /* the identifier */
    wm_text escaped; /* as it stands in a string of JSON */
    wm_text encoded; /* as it stands in an address; of no size when that is no different */
    const char *shown;
};

static wm_text text_of(const char *text)
{
    return (wm_text){text, strlen(text)};
}

const wm_err *wm_export_hidden_make(const wm_export_hidden **hidden, const char *identifier,
                                    const char *shown, apr_pool_t *pool)
{
    wm_export_hidden *h = apr_pcalloc(pool, sizeof *h);
    wm_buf *quoted = wm_buf_create(NULL, pool);
    const char *encoded = wm_url_escape(identifier, "", pool);

    h->plain = text_of(identifier);
    h->shown = shown;
    WM_TRY(wm_export_quote(quoted, h->plain));
    h->escaped =
        (wm_text){apr_pstrmemdup(pool, quoted->data + 1, quoted->size - 2), quoted->size - 2};
    wm_buf_free(quoted);
    if (strcmp(encoded, identifier))
        h->encoded = text_of(encoded);
    *hidden = h;
    return NULL;
}

const char *wm_export_hidden_shown(const wm_export_hidden *h)
{
    return h->shown;
}

static int is_word(char c)
{
    return apr_isalnum(c) || (unsigned char)c > 0x7f;
}

/* Is WANTED at P?  Long identifiers are found inside of words and in letters of either case; digits
 * are no part of a longer number. */
static int is_at(const char *p, const char *begin, const char *end, wm_text wanted)
{
    const char *behind = p + wanted.size, *last = behind - 1;

    if (!wanted.size || (size_t)(end - p) < wanted.size)
        return 0;
    if (wanted.size < LONG)
        return !memcmp(p, wanted.data, wanted.size) && (p == begin || !is_word(p[-1])) &&
               (behind == end || !is_word(*behind));
    for (size_t i = 0; i < wanted.size; i++)
        if (apr_tolower(p[i]) != apr_tolower(wanted.data[i]))
            return 0;
    return !(p > begin && apr_isdigit(*p) && apr_isdigit(p[-1])) &&
           !(behind < end && apr_isdigit(*last) && apr_isdigit(*behind));
}

int wm_export_tells(wm_text *where, const char *from, wm_text text, const wm_export_hidden *h,
                    int in_json)
{
    wm_text wanted = in_json ? h->escaped : h->plain;
    const char *end = text.data + text.size;

    for (const char *p = from; p < end; p++) {
        if (is_at(p, text.data, end, wanted))
            *where = (wm_text){p, wanted.size};
        else if (is_at(p, text.data, end, h->encoded))
            *where = (wm_text){p, h->encoded.size};
        else
            continue;
        return 1;
    }
    return 0;
}

int wm_export_is_number_of(wm_text number, const wm_export_hidden *h)
{
    return number.size >= LONG && number.size == h->plain.size &&
           !memcmp(number.data, h->plain.data, number.size);
}

const wm_err *wm_export_hide(wm_buf *out, wm_text text, const wm_export_hidden *h)
{
    const char *from = text.data, *end = from + text.size;
    wm_text where;

    while (wm_export_tells(&where, from, text, h, 0)) {
        WM_TRY(wm_buf_add(out, from, (size_t)(where.data - from)));
        WM_TRY(wm_buf_add(out, h->shown, strlen(h->shown)));
        from = where.data + where.size;
    }
    return wm_buf_add(out, from, (size_t)(end - from));
}
