/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_thread_mutex.h>
#include <httpd.h>

#include "auth_secret.h"
#include "child.h"
#include "config.h"
#include "http.h"
#include "site.h"

/* Filled once, under its lock, because the database may be away when a child starts. */
struct wm_secret {
    apr_thread_mutex_t *mutex;
    wm_csrf_secret bytes;
    int known;
};

const wm_err *wm_secret_create(struct wm_secret **result, apr_pool_t *pool)
{
    struct wm_secret *secret = apr_pcalloc(pool, sizeof *secret);
    apr_status_t rv = apr_thread_mutex_create(&secret->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (rv != APR_SUCCESS)
        return wm_err_apr(pool, rv, "making the lock of the form tokens' secret");
    *result = secret;
    return NULL;
}

int wm_auth_secret_known(wm_csrf_secret *secret, const server_rec *s)
{
    struct wm_secret *shared = wm_server_child(s)->secret;
    const wm_site *site = wm_server_site(s);
    int known;

    if (site && site->secret) {
        *secret = *site->secret;
        return 1;
    }
    apr_thread_mutex_lock(shared->mutex);
    known = shared->known;
    *secret = shared->bytes;
    apr_thread_mutex_unlock(shared->mutex);
    return known;
}

const wm_err *wm_auth_secret(wm_csrf_secret *secret, wm_http *h)
{
    struct wm_secret *shared = wm_server_child(h->r->server)->secret;
    int held = h->loan != NULL;
    const wm_err *err;
    wm_db *db;

    if (wm_auth_secret_known(secret, h->r->server))
        return NULL;
    /* Two threads may both ask; they get the same. */
    WM_TRY(wm_http_db(&db, h));
    err = wm_csrf_secret_db(secret, db, h->r->pool);
    if (!held)
        wm_http_db_done(h);
    WM_TRY(err);
    apr_thread_mutex_lock(shared->mutex);
    shared->bytes = *secret;
    shared->known = 1;
    apr_thread_mutex_unlock(shared->mutex);
    return NULL;
}
