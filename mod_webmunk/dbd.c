/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_dbd.h>
#include <apr_optional.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <mod_dbd.h>

#include "child.h"
#include "config.h"
#include "dbd.h"
#include "wm_position.h"

/* How long nobody asks again after the database was found away: connections are made under a mutex
 * of mod_dbd's (T10), and a queue of threads that each wait for a dead host would stall for long. */
#define AWAY_PAUSE apr_time_from_sec(1)

struct wm_gate {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    int free;
    apr_interval_time_t wait;
    apr_time_t away_until;
    const char *what;
};

static APR_OPTIONAL_FN_TYPE(ap_dbd_open) * dbd_open;
static APR_OPTIONAL_FN_TYPE(ap_dbd_close) * dbd_close;
static APR_OPTIONAL_FN_TYPE(ap_dbd_acquire) * dbd_acquire;

int wm_dbd_available(void)
{
    /* Written before any thread starts, const afterwards. */
    dbd_open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    dbd_close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    dbd_acquire = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_acquire);
    return dbd_open && dbd_close && dbd_acquire;
}

const wm_err *wm_gate_create(struct wm_gate **result, const char *what, int places,
                             apr_interval_time_t wait, apr_pool_t *pool)
{
    struct wm_gate *gate = apr_pcalloc(pool, sizeof *gate);
    apr_status_t rv;

    gate->what = what;
    gate->free = places;
    gate->wait = wait;
    rv = apr_thread_mutex_create(&gate->mutex, APR_THREAD_MUTEX_DEFAULT, pool);
    if (rv == APR_SUCCESS)
        rv = apr_thread_cond_create(&gate->cond, pool);
    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "making a gate");
    *result = gate;
    return NULL;
}

const wm_err *wm_gate_enter(struct wm_gate *gate, apr_pool_t *pool)
{
    apr_time_t now = apr_time_now(), end = now + gate->wait;
    const wm_err *err = NULL;

    apr_thread_mutex_lock(gate->mutex);
    while (gate->free < 1 && now < end) {
        apr_thread_cond_timedwait(gate->cond, gate->mutex, end - now);
        now = apr_time_now();
    }
    if (gate->free < 1)
        err = wm_err_make(pool, WM_E_BUSY, "no %s came free in %d ms", gate->what,
                          (int)(gate->wait / 1000));
    else if (now < gate->away_until)
        err = wm_err_make(pool, WM_E_BUSY, "the database was away a moment ago");
    else
        gate->free--;
    apr_thread_mutex_unlock(gate->mutex);
    return err;
}

void wm_gate_leave(struct wm_gate *gate, int away)
{
    apr_thread_mutex_lock(gate->mutex);
    gate->free++;
    if (away)
        gate->away_until = apr_time_now() + AWAY_PAUSE;
    apr_thread_cond_signal(gate->cond);
    apr_thread_mutex_unlock(gate->mutex);
}

/* Does the request, or the one that it came from, hold a connection by ap_dbd_acquire (T12)? */
static int holds_one(request_rec *r)
{
    static const char name[] = "mod_dbd.c";
    module *dbd = ap_find_linked_module(name);

    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return dbd && ap_get_module_config(r->request_config, dbd) != NULL;
}

static apr_status_t return_cleanup(void *data)
{
    wm_dbd_return(data);
    return APR_SUCCESS;
}

/* The connection itself, from where mod_dbd has it.  LOAN remembers what must be given back. */
static const wm_err *open_loan(wm_loan *loan, struct wm_gate *gate)
{
    request_rec *r = loan->r;
    ap_dbd_t *dbd;

    if (!dbd_open)
        return wm_err_make(r->pool, WM_E_SYSTEM, "mod_dbd is not loaded");
    if (holds_one(r)) {
        dbd = dbd_acquire(r);
    } else {
        WM_TRY(wm_gate_enter(gate, r->pool));
        loan->gate = gate;
        dbd = dbd_open(r->pool, r->server);
        loan->dbd = dbd;
    }
    if (!dbd)
        return wm_err_make(r->pool, WM_E_BUSY, "mod_dbd has no connection: the database is away");
    if (strcmp(apr_dbd_name(dbd->driver), "pgsql"))
        return wm_err_make(r->pool, WM_E_SYSTEM, "DBDriver is %s, but must be pgsql",
                           apr_dbd_name(dbd->driver));
    loan->db = wm_db_wrap(apr_dbd_native_handle(dbd->driver, dbd->handle), loan->log, r->pool);
    WM_TRY(wm_db_revive(loan->db, r->pool));
    return wm_position_follow(loan->db, r->pool);
}

const wm_err *wm_dbd_borrow(wm_loan **result, request_rec *r, const wm_log *log)
{
    struct wm_gate *gate = wm_server_child(r->server)->gate;
    wm_loan *loan = apr_pcalloc(r->pool, sizeof *loan);
    const wm_err *err;

    loan->r = r;
    loan->log = log;
    /* Before the subpools go: with DBDPersist Off mod_dbd keeps the connection in one of them. */
    apr_pool_pre_cleanup_register(r->pool, loan, return_cleanup);
    err = open_loan(loan, gate);
    if (err) {
        loan->away = loan->gate && err->code == WM_E_BUSY;
        wm_dbd_return(loan);
        return err;
    }
    *result = loan;
    return NULL;
}

void wm_dbd_return(wm_loan *loan)
{
    if (!loan->r)
        return;
    apr_pool_cleanup_kill(loan->r->pool, loan, return_cleanup);
    if (loan->db && !loan->away)
        wm_db_settle(loan->db);
    if (loan->dbd)
        dbd_close(loan->r->server, loan->dbd);
    if (loan->gate)
        wm_gate_leave(loan->gate, loan->away);
    loan->r = NULL;
    loan->db = NULL;
}
