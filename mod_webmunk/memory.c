/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "memory.h"

typedef struct account {
    struct wm_ledger *ledger;
    struct account *next; /* towards the older ones */
    size_t held;
    int waiting;
    wm_budget budget;
} account;

struct wm_ledger {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    apr_uint64_t max, used;
    apr_interval_time_t wait;
    account *youngest;
};

const wm_err *wm_ledger_create(struct wm_ledger **result, apr_int64_t max, apr_interval_time_t wait,
                               apr_pool_t *pool)
{
    struct wm_ledger *ledger = apr_pcalloc(pool, sizeof *ledger);
    apr_status_t rv;

    ledger->max = (apr_uint64_t)max;
    ledger->wait = wait;
    rv = apr_thread_mutex_create(&ledger->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS)
        rv = apr_thread_cond_create(&ledger->cond, pool);
    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "making the ledger of memory");
    *result = ledger;
    return NULL;
}

/* Nonzero when nobody who holds something could give it back, and A is the youngest of them. */
static int must_yield(const account *a)
{
    const account *victim = NULL;

    for (const account *each = a->ledger->youngest; each; each = each->next) {
        if (!each->held)
            continue;
        if (!each->waiting)
            return 0;
        if (!victim)
            victim = each;
    }
    return victim == a;
}

static int fits(const account *a, size_t bytes)
{
    return a->ledger->used == a->held || a->ledger->used + bytes <= a->ledger->max;
}

static const wm_err *take(void *host, size_t bytes, apr_pool_t *pool)
{
    account *a = host;
    struct wm_ledger *ledger = a->ledger;
    apr_time_t end = 0;
    const wm_err *err = NULL;

    apr_thread_mutex_lock(ledger->mutex);
    while (!fits(a, bytes)) {
        apr_time_t now = apr_time_now();

        if (!end) {
            end = now + ledger->wait;
            a->waiting = 1;
            /* Who waits already may have become the one who has to yield. */
            apr_thread_cond_broadcast(ledger->cond);
        }
        if (now >= end || must_yield(a)) {
            err = wm_err_make(pool, WM_E_BUSY,
                              "the requests of this process hold %" APR_UINT64_T_FMT
                              " bytes, %zu more are over WebmunkMemoryMax",
                              ledger->used, bytes);
            break;
        }
        apr_thread_cond_timedwait(ledger->cond, ledger->mutex, end - now);
    }
    a->waiting = 0;
    if (!err) {
        a->held += bytes;
        ledger->used += bytes;
    }
    apr_thread_mutex_unlock(ledger->mutex);
    return err;
}

static void give(void *host, size_t bytes)
{
    account *a = host;

    apr_thread_mutex_lock(a->ledger->mutex);
    a->held -= bytes;
    a->ledger->used -= bytes;
    apr_thread_cond_broadcast(a->ledger->cond);
    apr_thread_mutex_unlock(a->ledger->mutex);
}

static apr_status_t close_account(void *data)
{
    account *a = data;
    account **link = &a->ledger->youngest;

    apr_thread_mutex_lock(a->ledger->mutex);
    while (*link != a)
        link = &(*link)->next;
    *link = a->next;
    a->ledger->used -= a->held;
    apr_thread_cond_broadcast(a->ledger->cond);
    apr_thread_mutex_unlock(a->ledger->mutex);
    return APR_SUCCESS;
}

const wm_budget *wm_ledger_account(struct wm_ledger *ledger, apr_pool_t *pool)
{
    account *a = apr_pcalloc(pool, sizeof *a);

    a->ledger = ledger;
    a->budget = (wm_budget){.take = take, .give = give, .host = a};
    apr_thread_mutex_lock(ledger->mutex);
    a->next = ledger->youngest;
    ledger->youngest = a;
    apr_thread_mutex_unlock(ledger->mutex);
    /* Buffers are made after the account, so their cleanups run before this one. */
    apr_pool_cleanup_register(pool, a, close_account, apr_pool_cleanup_null);
    return &a->budget;
}
