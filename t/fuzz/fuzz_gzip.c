/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded inflating: its two ways must not differ in what they give, and what we compress must come
 * back. */
#include "fuzz.h"
#include "wm_gzip.h"

enum { LIMIT = 1 << 16 };

static void check_inflate(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    wm_buf *out = wm_buf_create(NULL, pool), *again = wm_buf_create(NULL, pool);
    char *text = fuzz_exact(data, size), *longer = malloc(size + 1);
    wm_gzip_result result, second;

    FUZZ_CHECK(longer && !wm_buf_add(out, "before", 6));
    FUZZ_CHECK(!wm_gzip_inflate(&result, out, text, size, LIMIT));
    FUZZ_CHECK(out->size <= LIMIT + 6 && !memcmp(out->data, "before", 6));
    FUZZ_CHECK(out->size == 6 || result == WM_GZIP_GOOD);
    if (result == WM_GZIP_GOOD) {
        /* A byte of junk hides the announced size, so that the steps are taken. zlib refuses some
         * code lengths that libdeflate puts up with; the checksum was right in both. */
        memcpy(longer, text, size);
        longer[size] = ' ';
        FUZZ_CHECK(!wm_gzip_inflate(&second, again, longer, size + 1, LIMIT));
        FUZZ_CHECK(second != WM_GZIP_TOO_LARGE);
        FUZZ_CHECK(second == WM_GZIP_BAD || again->size == out->size - 6);
        FUZZ_CHECK(!again->size || !memcmp(again->data, out->data + 6, again->size));
        fuzz_accepted += out->size > 6;
    }
    free(longer);
    free(text);
}

static void check_deflate(const uint8_t *data, size_t size, apr_pool_t *pool)
{
    wm_buf *gzip = wm_buf_create(NULL, pool), *out = wm_buf_create(NULL, pool);
    wm_gzip_result result;

    FUZZ_CHECK(!wm_gzip_deflate(gzip, (const char *)data, size));
    FUZZ_CHECK(!wm_gzip_inflate(&result, out, gzip->data, gzip->size, size));
    FUZZ_CHECK(result == WM_GZIP_GOOD && out->size == size);
    FUZZ_CHECK(!size || !memcmp(out->data, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();

    check_inflate(data, size, pool);
    if (!size || *data != 0x1f)
        check_deflate(data, size, pool);
    apr_pool_destroy(pool);
    return 0;
}
