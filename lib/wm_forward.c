/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>

#include "wm_forward.h"
#include "wm_json_own.h"

static int is_receipt(const char *body, apr_size_t size, apr_pool_t *pool)
{
    json_t *root;

    return !wm_json_own_parse(&root, body, size, pool) && json_is_object(root) &&
           json_is_true(json_object_get(root, "added")) && !json_object_get(root, "error");
}

wm_forward_verdict wm_forward_judge(const char **why, int status, const char *body, apr_size_t size,
                                    apr_pool_t *pool)
{
    *why = NULL;
    if (status >= 200 && status < 300) {
        if (is_receipt(body, size, pool))
            return WM_FORWARD_TAKEN;
        *why = apr_psprintf(pool,
                            "it answered %d, but with no receipt ({\"added\": true}): is that the"
                            " address of its add-bundle.json?",
                            status);
        return WM_FORWARD_REFUSED;
    }
    if (status == 413) {
        *why = "it accepts no request of that size (413): raise its limit of the request body";
        return WM_FORWARD_LARGE;
    }
    if (status >= 300 && status < 400)
        *why = apr_psprintf(pool,
                            "it redirects (%d), which uploads must not be: give the address that"
                            " it leads to",
                            status);
    else if (status >= 500)
        *why = apr_psprintf(pool, "it cannot store anything now (%d)", status);
    else
        *why = apr_psprintf(pool, "it refuses uploads (%d): check the address", status);
    return WM_FORWARD_REFUSED;
}
