/* SPDX-License-Identifier: Apache-2.0 */
/* WebmunkMemoryMax: what all requests of one process may hold together. */
#ifndef WM_MEMORY_H
#define WM_MEMORY_H

#include <apr_time.h>

#include "wm_buf.h"
#include "wm_err.h"

struct wm_ledger;

/* A ledger of MAX bytes; a request waits at most WAIT for others to give back.  In POOL. */
const wm_err *wm_ledger_create(struct wm_ledger **ledger, apr_int64_t max, apr_interval_time_t wait,
                               apr_pool_t *pool);

/* The budget of one request.  A request that is alone gets whatever it asks for.  When all that
 * hold something wait, the youngest of them is refused with WM_E_BUSY, so that the others go on.
 * POOL's cleanup closes the account. */
const wm_budget *wm_ledger_account(struct wm_ledger *ledger, apr_pool_t *pool);

#endif
