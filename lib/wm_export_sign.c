/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "wm_box.h"
#include "wm_export_sign.h"

_Static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_PUBLICKEYBYTES == 32,
               "key files hold 32 bytes");

const wm_err *wm_export_sign_pair_write(const char *secret_path, const char *public_path,
                                        apr_pool_t *pool)
{
    unsigned char seed[crypto_sign_SEEDBYTES], secret[crypto_sign_SECRETKEYBYTES],
        open_half[crypto_sign_PUBLICKEYBYTES];
    const wm_err *err;

    randombytes_buf(seed, sizeof seed);
    crypto_sign_seed_keypair(open_half, secret, seed);
    err = wm_box_halves_write(secret_path, seed, public_path, open_half, pool);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(secret, sizeof secret);
    return err;
}

static const wm_err *read_pair(unsigned char secret[crypto_sign_SECRETKEYBYTES],
                               unsigned char open_half[crypto_sign_PUBLICKEYBYTES],
                               const char *path, apr_pool_t *pool)
{
    unsigned char seed[crypto_sign_SEEDBYTES];

    WM_TRY(wm_box_key_read(seed, path, 1, pool));
    crypto_sign_seed_keypair(open_half, secret, seed);
    sodium_memzero(seed, sizeof seed);
    return NULL;
}

const wm_err *wm_export_sign_public(char text[WM_SIGN_KEY_TEXT], const char *secret_path,
                                    apr_pool_t *pool)
{
    unsigned char secret[crypto_sign_SECRETKEYBYTES], open_half[crypto_sign_PUBLICKEYBYTES];

    WM_TRY(read_pair(secret, open_half, secret_path, pool));
    sodium_memzero(secret, sizeof secret);
    sodium_bin2base64(text, WM_SIGN_KEY_TEXT, open_half, sizeof open_half,
                      sodium_base64_VARIANT_ORIGINAL);
    return NULL;
}

const wm_err *wm_export_sign(const char **text, const char *manifest, size_t size,
                             const char *secret_path, apr_pool_t *pool)
{
    unsigned char secret[crypto_sign_SECRETKEYBYTES], open_half[crypto_sign_PUBLICKEYBYTES],
        signature[crypto_sign_BYTES];
    char key[WM_SIGN_KEY_TEXT],
        encoded[sodium_base64_ENCODED_LEN(crypto_sign_BYTES, sodium_base64_VARIANT_ORIGINAL)];

    WM_TRY(read_pair(secret, open_half, secret_path, pool));
    crypto_sign_detached(signature, NULL, (const unsigned char *)manifest, size, secret);
    sodium_memzero(secret, sizeof secret);
    sodium_bin2base64(key, sizeof key, open_half, sizeof open_half, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(encoded, sizeof encoded, signature, sizeof signature,
                      sodium_base64_VARIANT_ORIGINAL);
    *text = apr_psprintf(pool, "Ed25519\n%s\n%s\n", key, encoded);
    return NULL;
}

/* The line at *AT as base64 of SIZE bytes; *AT moves behind it. */
static int line_of(unsigned char *bytes, size_t size, const char **at)
{
    size_t length = strcspn(*at, "\r\n"), got;
    int bad = sodium_base642bin(bytes, size, *at, length, NULL, &got, NULL,
                                sodium_base64_VARIANT_ORIGINAL);

    *at += length;
    *at += strspn(*at, "\r\n");
    return !bad && got == size;
}

const wm_err *wm_export_sign_check(char key[WM_SIGN_KEY_TEXT], const char *signature,
                                   const char *text, size_t size, const char *key_path,
                                   const char *where, apr_pool_t *pool)
{
    unsigned char open_half[crypto_sign_PUBLICKEYBYTES], wanted[crypto_sign_PUBLICKEYBYTES],
        bytes[crypto_sign_BYTES];
    const char *at = signature + strcspn(signature, "\n");

    at += *at == '\n';
    if (strncmp(signature, "Ed25519\n", 8) || !line_of(open_half, sizeof open_half, &at) ||
        !line_of(bytes, sizeof bytes, &at))
        return wm_err_make(pool, WM_E_INPUT, "%s: that is no signature", where);
    if (key_path) {
        WM_TRY(wm_box_key_read(wanted, key_path, 0, pool));
        if (sodium_memcmp(wanted, open_half, sizeof open_half))
            return wm_err_make(pool, WM_E_INPUT, "%s is signed with another key than %s", where,
                               key_path);
    }
    if (crypto_sign_verify_detached(bytes, (const unsigned char *)text, size, open_half))
        return wm_err_make(pool, WM_E_INPUT, "%s: the signature is not true", where);
    sodium_bin2base64(key, WM_SIGN_KEY_TEXT, open_half, sizeof open_half,
                      sodium_base64_VARIANT_ORIGINAL);
    return NULL;
}
