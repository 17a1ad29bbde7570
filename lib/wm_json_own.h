/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of our own making, by jansson, owned by pools.  Text from devices never comes here: it goes
 * through wm_json's tokenizer (T26). */
#ifndef WM_JSON_OWN_H
#define WM_JSON_OWN_H

#include <apr_pools.h>
#include <jansson.h>

#include "wm_err.h"

/* POOL's cleanup drops the reference that the caller holds; returns ROOT. */
json_t *wm_json_own(json_t *root, apr_pool_t *pool);

/* Parse TEXT; *ROOT belongs to POOL. */
const wm_err *wm_json_own_parse(json_t **root, const char *text, size_t size, apr_pool_t *pool);

/* ROOT as compact text in POOL; never NULL but for a lack of memory. */
const char *wm_json_own_text(const json_t *root, apr_pool_t *pool);

#endif
