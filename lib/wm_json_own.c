/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <apr_strings.h>

#include "wm_json_own.h"

static apr_status_t decref_cleanup(void *data)
{
    json_decref(data);
    return APR_SUCCESS;
}

json_t *wm_json_own(json_t *root, apr_pool_t *pool)
{
    if (root)
        apr_pool_cleanup_register(pool, root, decref_cleanup, apr_pool_cleanup_null);
    return root;
}

const wm_err *wm_json_own_parse(json_t **root, const char *text, size_t size, apr_pool_t *pool)
{
    json_error_t error;

    *root = wm_json_own(json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error), pool);
    if (!*root)
        return wm_err_make(pool, WM_E_SYSTEM, "JSON of our own: %s at byte %d", error.text,
                           error.position);
    return NULL;
}

const char *wm_json_own_text(const json_t *root, apr_pool_t *pool)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *copy = text ? apr_pstrdup(pool, text) : NULL;

    free(text);
    return copy;
}
