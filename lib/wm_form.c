/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "wm_form_own.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character of urlencoded text; *AT moves behind it. */
static char next_char(const char **at, const char *end)
{
    const char *p = *at;
    int high, low;

    *at = p + 1;
    if (*p == '+')
        return ' ';
    if (*p != '%' || end - p < 3 || (high = hex_value(p[1])) < 0 || (low = hex_value(p[2])) < 0)
        return *p;
    *at = p + 3;
    return (char)(high << 4 | low);
}

const wm_err *wm_form_decode(wm_buf *out, const char *data, size_t size)
{
    const char *at = data, *end = data + size;
    char *to;

    if (!size)
        return NULL;
    WM_TRY(wm_buf_reserve(out, size));
    to = out->data + out->size;
    while (at < end) {
        if (*at != '%' && *at != '+')
            *to++ = *at++;
        else
            *to++ = next_char(&at, end);
    }
    out->size = (size_t)(to - out->data);
    return NULL;
}

static int is_word(wm_text text, int urlencoded, const char *word)
{
    size_t length = strlen(word);
    const char *at = text.data, *end = at + text.size;

    if (!urlencoded)
        return text.size == length && !memcmp(at, word, length);
    for (; at < end && *word; word++) {
        if (next_char(&at, end) != *word)
            return 0;
    }
    return at == end && !*word;
}

int wm_form_field_is(const wm_form_field *field, const char *word)
{
    return field->value.data && is_word(field->value, field->urlencoded, word);
}

wm_form *wm_form_create(apr_pool_t *pool)
{
    wm_form *form = apr_pcalloc(pool, sizeof *form);

    form->files = apr_array_make(pool, 4, sizeof(wm_file));
    return form;
}

void wm_form_set(wm_form *form, wm_text name, wm_text value, int urlencoded)
{
    const struct {
        const char *name;
        wm_form_field *field;
    } known[] = {
        {"payload", &form->payload},
        {"compression", &form->compression},
        {"encrypted", &form->encrypted},
        {"nonce", &form->nonce},
    };

    if (!name.size)
        return;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (is_word(name, urlencoded, known[i].name)) {
            known[i].field->value = value;
            known[i].field->urlencoded = urlencoded;
            return;
        }
    }
}

const wm_err *wm_form_parse_urlencoded(wm_form **result, const char *data, size_t size,
                                       apr_pool_t *pool)
{
    wm_form *form = wm_form_create(pool);
    const char *at = data, *end = data + size;

    while (at < end) {
        const char *stop = memchr(at, '&', (size_t)(end - at)), *equals;
        wm_text name, value = {"", 0};

        if (!stop)
            stop = end;
        equals = memchr(at, '=', (size_t)(stop - at));
        name.data = at;
        name.size = (size_t)((equals ? equals : stop) - at);
        if (equals) {
            value.data = equals + 1;
            value.size = (size_t)(stop - value.data);
        }
        wm_form_set(form, name, value, 1);
        at = stop + 1;
    }
    *result = form;
    return NULL;
}
