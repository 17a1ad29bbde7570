/* SPDX-License-Identifier: Apache-2.0 */
/* The secret of form tokens: the file WebmunkSecretFile when there is one, else what "webmunkd
 * migrate" has put into the database, which all hosts share. */
#ifndef WM_AUTH_SECRET_H
#define WM_AUTH_SECRET_H

#include <httpd.h>

#include "wm_csrf.h"
#include "wm_err.h"

struct wm_http;
struct wm_secret;

/* For child_init: a place for the database's secret, which is not asked for yet. */
const wm_err *wm_secret_create(struct wm_secret **secret, apr_pool_t *pool);

/* The secret; the first call of a process may ask the database.  H must hold no connection, or
 * its own is used. */
const wm_err *wm_auth_secret(wm_csrf_secret *secret, struct wm_http *h);

/* The same when it is known already, else 0. */
int wm_auth_secret_known(wm_csrf_secret *secret, const server_rec *s);

#endif
