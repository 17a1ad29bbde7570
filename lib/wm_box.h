/* SPDX-License-Identifier: Apache-2.0 */
/* NaCl boxes of encrypted bundles, and the files that keep their keys (wire protocol 7.3). */
#ifndef WM_BOX_H
#define WM_BOX_H

#include "wm_buf.h"
#include "wm_err.h"

struct wm_box_keys; /* wm_bundle.h */

/* Make libsodium ready.  Every process calls it once, before its threads start and before any other
 * function here; more calls are harmless.  WM_E_SYSTEM when the system has no random numbers. */
const wm_err *wm_box_init(apr_pool_t *pool);

/* Fill KEYS: the server's secret key from the file SECRET_PATH, the clients' public key from
 * PEER_PATH.  A key file is one line, 32 bytes in base64.  WM_E_NOT_FOUND without the file;
 * WM_E_INPUT when it holds no key; WM_E_FORBIDDEN when people other than owner and group may read
 * the secret, or others may write either; each sentence names the file and the remedy. */
const wm_err *wm_box_keys_read(struct wm_box_keys *keys, const char *secret_path,
                               const char *peer_path, apr_pool_t *pool);

/* Make a key pair and write its halves: SECRET_PATH with mode 0600, PUBLIC_PATH with 0644 (less
 * the umask), both flushed to disk.  Never overwrites: WM_E_CONFLICT when one of the files exists,
 * and then nothing is left behind.  WM_E_SYSTEM when they cannot be written. */
const wm_err *wm_box_pair_write(const char *secret_path, const char *public_path, apr_pool_t *pool);

/* The 32 bytes in the key file PATH; SECRET holds it to the stricter mode.  Fails like
 * wm_box_keys_read. */
const wm_err *wm_box_key_read(unsigned char *key, const char *path, int secret, apr_pool_t *pool);

/* Write the halves of a pair made elsewhere, 32 bytes each, as wm_box_pair_write does. */
const wm_err *wm_box_halves_write(const char *secret_path, const unsigned char *secret,
                                  const char *public_path, const unsigned char *open_half,
                                  apr_pool_t *pool);

/* Open the box DATA (16 byte tag, then the message) and append the message to OUT; GOOD tells
 * whether it opened.  A nonce of another length than 24, a box shorter than its tag and one that
 * does not open are content, not an error: OUT is as it was then.  Fails like wm_buf_reserve. */
const wm_err *wm_box_open(int *good, wm_buf *out, const struct wm_box_keys *keys, const char *nonce,
                          size_t nonce_size, const char *data, size_t size);

#endif
