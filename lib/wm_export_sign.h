/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of manifests, Ed25519 by libsodium, and the check of a whole archive against its
 * manifest (docs/exports.md). */
#ifndef WM_EXPORT_SIGN_H
#define WM_EXPORT_SIGN_H

#include <apr_pools.h>

#include "wm_err.h"

enum { WM_SIGN_TEXT_MAX = 256, WM_SIGN_KEY_TEXT = 45 };

/* Make a key pair for signing and write its halves as wm_box_pair_write does.  Fails like that. */
const wm_err *wm_export_sign_pair_write(const char *secret_path, const char *public_path,
                                        apr_pool_t *pool);

/* The public half of the secret key in the file SECRET_PATH, in base64.  Fails as wm_box_keys_read
 * does for such a file. */
const wm_err *wm_export_sign_public(char text[WM_SIGN_KEY_TEXT], const char *secret_path,
                                    apr_pool_t *pool);

/* The text of manifest.sig for MANIFEST, with the secret key in the file SECRET_PATH, in POOL. */
const wm_err *wm_export_sign(const char **text, const char *manifest, size_t size,
                             const char *secret_path, apr_pool_t *pool);

/* Is SIGNATURE, as wm_export_sign makes it, one of TEXT, by the public key in the file KEY_PATH (NULL: by
 * the key that it names itself)?  KEY gets that key.  WM_E_INPUT otherwise, about WHERE. */
const wm_err *wm_export_sign_check(char key[WM_SIGN_KEY_TEXT], const char *signature,
                                   const char *text, size_t size, const char *key_path,
                                   const char *where, apr_pool_t *pool);

typedef struct wm_export_verdict {
    int entries;
    apr_int64_t rows, bytes;
    int is_signed;
    char key[WM_SIGN_KEY_TEXT]; /* that signed it, in base64 */
    int key_known;              /* it is the one in KEY_PATH */
} wm_export_verdict;

/* Check the archive FILE: every entry is in the manifest with its size and SHA-256, none is missing
 * or added, and the signature is true and by the public key in the file KEY_PATH.  With a KEY_PATH of
 * NULL the key is the one that the archive itself names, which proves only that it is whole.
 * WM_E_INPUT in words for what is wrong with the archive; WM_E_NOT_FOUND when there is none. */
const wm_err *wm_export_verify(wm_export_verdict *verdict, const char *file, const char *key_path,
                               apr_pool_t *pool);

#endif
