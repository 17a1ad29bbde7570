/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wm_buf.h"

static apr_status_t buf_cleanup(void *data)
{
    wm_buf_free(data);
    return APR_SUCCESS;
}

wm_buf *wm_buf_create(const wm_budget *budget, apr_pool_t *pool)
{
    wm_buf *buf = apr_pcalloc(pool, sizeof *buf);

    buf->budget = budget;
    buf->pool = pool;
    apr_pool_cleanup_register(pool, buf, buf_cleanup, apr_pool_cleanup_null);
    return buf;
}

const wm_err *wm_buf_reserve(wm_buf *buf, size_t more)
{
    size_t room;
    char *data;

    if (more <= buf->room - buf->size)
        return NULL;
    if (more > SIZE_MAX / 4 - buf->size)
        return wm_err_make(buf->pool, WM_E_SYSTEM, "a buffer of %zu bytes cannot grow by %zu",
                           buf->size, more);
    room = buf->room + buf->room / 2;
    if (room < buf->size + more)
        room = buf->size + more;
    if (buf->budget)
        WM_TRY(buf->budget->take(buf->budget->host, room - buf->room, buf->pool));
    data = realloc(buf->data, room);
    if (!data) {
        if (buf->budget)
            buf->budget->give(buf->budget->host, room - buf->room);
        return wm_err_make(buf->pool, WM_E_BUSY, "no memory for %zu bytes", room);
    }
    buf->data = data;
    buf->room = room;
    return NULL;
}

const wm_err *wm_buf_add(wm_buf *buf, const void *data, size_t size)
{
    WM_TRY(wm_buf_reserve(buf, size));
    if (size)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    return NULL;
}

void wm_buf_free(wm_buf *buf)
{
    if (buf->budget && buf->room)
        buf->budget->give(buf->budget->host, buf->room);
    free(buf->data);
    buf->data = NULL;
    buf->size = buf->room = 0;
}

static apr_status_t hold_cleanup(void *data)
{
    wm_hold *hold = data;

    if (hold->taken)
        hold->budget->give(hold->budget->host, hold->taken);
    return APR_SUCCESS;
}

wm_hold *wm_hold_create(const wm_budget *budget, apr_pool_t *pool)
{
    wm_hold *hold = apr_pcalloc(pool, sizeof *hold);

    hold->budget = budget;
    hold->pool = pool;
    apr_pool_cleanup_register(pool, hold, hold_cleanup, apr_pool_cleanup_null);
    return hold;
}

const wm_err *wm_hold_add(wm_hold *hold, size_t bytes)
{
    enum { STEP = 32 * 1024 };
    size_t more = bytes > STEP ? bytes : STEP;

    if (hold->budget && bytes > hold->taken - hold->used) {
        WM_TRY(hold->budget->take(hold->budget->host, more, hold->pool));
        hold->taken += more;
    }
    hold->used += bytes;
    return NULL;
}
