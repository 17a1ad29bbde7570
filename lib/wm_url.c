/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_lib.h>

#include "wm_url.h"

const char *wm_url_escape(const char *text, const char *keep, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *made = apr_palloc(pool, strlen(text) * 3 + 1), *out = made;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (apr_isalnum(c) || strchr("-._~", c) || strchr(keep, c)) {
            *out++ = (char)c;
            continue;
        }
        *out++ = '%';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 15];
    }
    *out = 0;
    return made;
}
