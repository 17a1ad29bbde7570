/* SPDX-License-Identifier: Apache-2.0 */
/* Database connections: mod_dbd owns them, we borrow the PGconn for the time of a query. */
#ifndef WM_DBD_H
#define WM_DBD_H

#include <apr_time.h>
#include <httpd.h>

#include "wm_db.h"
#include "wm_err.h"

struct wm_gate;

typedef struct wm_loan {
    wm_db *db;
    /* private */
    request_rec *r; /* NULL after the return */
    const wm_log *log;
    struct wm_gate *gate; /* the place in it is ours; NULL when R held a connection before */
    void *dbd;            /* to be closed, or NULL */
    int away;             /* the database could not be reached */
} wm_loan;

/* At most PLACES at once in this process, each waiting at most WAIT (T10), for WHAT ("database
 * connection").  In POOL. */
const wm_err *wm_gate_create(struct wm_gate **gate, const char *what, int places,
                             apr_interval_time_t wait, apr_pool_t *pool);

/* Take a place, and give it back.  WM_E_BUSY when none came free in time.  AWAY: what it leads to
 * could not be reached, and nobody should try for a moment. */
const wm_err *wm_gate_enter(struct wm_gate *gate, apr_pool_t *pool);
void wm_gate_leave(struct wm_gate *gate, int away);

/* Find mod_dbd's functions; they are known only after the modules are loaded, and post_config is
 * too early for httpd -t (T2).  Nonzero when mod_dbd is there. */
int wm_dbd_available(void);

/* Borrow a connection for R, live and idle.  If R holds one of mod_dbd already, that one is used
 * (T12).  Give it back by wm_dbd_return before anything slow; the cleanup of r->pool does it at the
 * latest.  WM_E_BUSY when none comes free in time or the database is away. */
const wm_err *wm_dbd_borrow(wm_loan **loan, request_rec *r, const wm_log *log);

/* Whatever is open is rolled back; a second call does nothing. */
void wm_dbd_return(wm_loan *loan);

#endif
