/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_pools.h>

#include "tap.h"
#include "wm_err.h"

int main(void)
{
    apr_pool_t *pool;
    const wm_err *inner, *outer;

    apr_initialize();
    apr_pool_create(&pool, NULL);

    inner = wm_err_make(pool, WM_E_LIMIT, "%d bytes", 7);
    outer = wm_err_wrap(pool, inner, "reading the body");
    is_str(wm_err_text(outer, pool), "reading the body: 7 bytes", "a chain reads outermost first");
    is_int(outer->code, WM_E_LIMIT, "wrapping keeps the code");
    is_int(wm_err_status(outer->code), 413, "the code knows its HTTP status");
    ok(!wm_err_wrap(pool, NULL, "nothing"), "wrapping success is success");

    inner = wm_err_make(pool, WM_E_BUSY, "no memory for %zu bytes of %s", sizeof(char), "it");
    is_str(inner->why, "no memory for 1 bytes of it", "sizes are printed as C prints them");

    apr_terminate();
    return done();
}
