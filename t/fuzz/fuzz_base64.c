/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 decoding, against a slow second implementation.  The first byte of an input says how the
 * rest is spelt: u as in a urlencoded form, anything else plain. */
#include "fuzz.h"
#include "wm_base64.h"
#include "wm_form.h"

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at;

    c = c == ' ' || c == '-' ? '+' : c == '_' ? '/' : c;
    at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Bit by bit: the number of bytes in OUT, or -1. */
static long slow(unsigned char *out, const char *text, size_t size)
{
    unsigned bits = 0;
    int have = 0, padded = 0;
    long digits = 0, bytes = 0;

    for (size_t i = 0; i < size; i++) {
        if (memchr("\r\n\t", text[i], 3))
            continue;
        if (text[i] == '=') {
            padded = 1;
            continue;
        }
        if (padded || digit(text[i]) < 0)
            return -1;
        bits = (bits << 6 | (unsigned)digit(text[i])) & 0xffff;
        digits++;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[bytes++] = (unsigned char)(bits >> have);
        }
    }
    return digits % 4 == 1 ? -1 : bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    wm_buf *out, *plain;
    unsigned char *want;
    char *text;
    long length;
    int good, form;

    if (!size)
        return 0;
    pool = fuzz_pool();
    out = wm_buf_create(NULL, pool);
    plain = wm_buf_create(NULL, pool);
    form = *data == 'u';
    text = fuzz_exact(data + 1, --size);
    FUZZ_CHECK(!wm_base64_decode(&good, out, text, size, form));
    FUZZ_CHECK(!(form ? wm_form_decode(plain, text, size) : wm_buf_add(plain, text, size)));

    want = malloc(size + 1);
    FUZZ_CHECK(want);
    length = slow(want, plain->data, plain->size);
    FUZZ_CHECK(good == (length >= 0));
    FUZZ_CHECK(out->size == (good ? (size_t)length : 0));
    FUZZ_CHECK(!out->size || !memcmp(out->data, want, out->size));
    fuzz_accepted += good && out->size;

    free(want);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
