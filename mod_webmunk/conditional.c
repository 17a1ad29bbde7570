/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "conditional.h"

int wm_matches(const wm_http *h, const char *etag)
{
    const char *list = wm_http_header(h, "If-None-Match");
    size_t size = strlen(etag) - 2; /* what stands between the quotes */

    while (list && *(list += strspn(list, " \t,"))) {
        const char *tag = list;
        size_t all;

        if (*tag == '*')
            return 1;
        if (!strncmp(tag, "W/", 2))
            tag += 2;
        if (*tag != '"')
            return 0;
        tag++;
        all = strcspn(tag, "\"");
        if (all >= size && !strncmp(tag, etag + 1, size) &&
            (all == size || (all == size + 5 && !strncmp(tag + size, "-gzip", 5))))
            return 1;
        list = tag + all + (tag[all] == '"');
    }
    return 0;
}
