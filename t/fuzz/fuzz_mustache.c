/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a template, a zero byte, JSON to render it with.  The template is its own partial "t". */
#include "fuzz.h"
#include "wm_json_own.h"
#include "wm_mustache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t length = zero ? (size_t)(zero - data) : size;
    json_t *root = NULL;
    apr_pool_t *pool = fuzz_pool();
    wm_buf *out;

    for (int strict = 0; strict < 2; strict++) {
        wm_templates *set = wm_templates_create(strict, pool);

        if (wm_templates_add(set, "t", (const char *)data, length) || wm_templates_check(set, pool))
            continue;
        if (zero && !root &&
            wm_json_own_parse(&root, (const char *)zero + 1, size - length - 1, pool))
            root = NULL;
        if (wm_templates_render(&out, set, "t", root, pool))
            continue;
        FUZZ_CHECK(out->size <= WM_MUSTACHE_TEXT_MAX);
        fuzz_accepted += out->size > 0;
    }
    apr_pool_destroy(pool);
    return 0;
}
