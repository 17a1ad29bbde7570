/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <httpd.h>

#include "accept.h"

/* "0.8" in thousandths; what is none counts as 1. */
static int thousandths(const char *text)
{
    int value = *text == '0' ? 0 : 1000, unit = 100;

    if (text[0] != '0' || text[1] != '.')
        return value;
    for (text += 2; apr_isdigit(*text) && unit; text++, unit /= 10)
        value += (*text - '0') * unit;
    return value;
}

/* The value of parameter q in the parameters of a range, SIZE bytes at TEXT. */
static int quality(const char *text, size_t size)
{
    for (size_t i = 0; i + 2 < size; i++)
        if (text[i] == ';') {
            size_t at = i + 1 + strspn(text + i + 1, " \t");

            if (at + 2 < size && apr_tolower(text[at]) == 'q' && text[at + 1] == '=')
                return thousandths(text + at + 2);
        }
    return 1000;
}

/* 3 for the type itself, 2 for all of its kind, 1 for everything, 0 for another. */
static int fits(const char *range, size_t size, const char *type)
{
    size_t kind = strcspn(type, "/") + 1;

    if (size == strlen(type) && !strncasecmp(range, type, size))
        return 3;
    if (size == kind + 1 && !strncasecmp(range, type, kind) && range[kind] == '*')
        return 2;
    return size == 3 && !memcmp(range, "*/*", 3);
}

int wm_accept_quality(const char *accept, const char *type)
{
    int best = 0, value = 0;

    if (!accept)
        return 1000;
    while (*accept) {
        size_t all, size;

        accept += strspn(accept, " \t,");
        all = strcspn(accept, ",");
        size = strcspn(accept, ",; \t");
        if (fits(accept, size, type) > best) {
            best = fits(accept, size, type);
            value = quality(accept, all);
        }
        accept += all;
    }
    return value;
}

int wm_accept_json(const wm_http *h)
{
    const request_rec *r = h->r;
    const char *accept = apr_table_get(r->headers_in, "Accept");
    size_t size;

    while (r->prev) /* what was asked for, not where httpd sent it internally */
        r = r->prev;
    size = strlen(r->uri);
    if (size > 5 && !strcmp(r->uri + size - 5, ".json"))
        return 1;
    return wm_accept_quality(accept, "application/json") > wm_accept_quality(accept, "text/html");
}
