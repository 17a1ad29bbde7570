/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes: 24 bytes of nonce, then the box.  The keys are fixed, so that a corpus can hold boxes
 * that open; an input that does not open is boxed, and must open then. */
#include <sodium.h>

#include "fuzz.h"
#include "wm_box.h"
#include "wm_bundle.h"

enum { NONCE = 24, TAG = 16 };

/* Both sides hold the same pair: seeds are 32 times 7. */
static void make_keys(wm_box_keys *keys)
{
    unsigned char seed[crypto_box_SEEDBYTES];

    memset(seed, 7, sizeof seed);
    crypto_box_seed_keypair(keys->peer, keys->secret, seed);
}

static int open_box(wm_buf *out, const wm_box_keys *keys, const uint8_t *nonce, size_t nonce_size,
                    const void *data, size_t size)
{
    char *box = fuzz_exact(data, size), *iv = fuzz_exact(nonce, nonce_size);
    int good;

    out->size = 0;
    FUZZ_CHECK(!wm_box_open(&good, out, keys, iv, nonce_size, box, size));
    FUZZ_CHECK(out->size == (good ? size - TAG : 0));
    free(iv);
    free(box);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t nonce_size = size < NONCE ? size : NONCE, length = size - nonce_size;
    apr_pool_t *pool = fuzz_pool();
    wm_buf *out = wm_buf_create(NULL, pool);
    wm_box_keys keys;

    FUZZ_CHECK(!wm_box_init(pool));
    make_keys(&keys);
    if (open_box(out, &keys, data, nonce_size, data + nonce_size, length)) {
        fuzz_accepted++;
    } else if (nonce_size == NONCE) {
        unsigned char *box = malloc(length + TAG);

        FUZZ_CHECK(box &&
                   !crypto_box_easy(box, data + NONCE, length, data, keys.peer, keys.secret));
        FUZZ_CHECK(open_box(out, &keys, data, NONCE, box, length + TAG));
        FUZZ_CHECK(!length || !memcmp(out->data, data + NONCE, length));
        free(box);
    }
    apr_pool_destroy(pool);
    return 0;
}
