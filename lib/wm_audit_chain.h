/* SPDX-License-Identifier: Apache-2.0 */
/* The access log's chain: checking it in pieces, and its heads, which are kept and published so that
 * what is changed before them is found later, even by who can change the whole database. */
#ifndef WM_AUDIT_CHAIN_H
#define WM_AUDIT_CHAIN_H

#include <apr_pools.h>
#include <apr_time.h>

#include "wm_db.h"
#include "wm_err.h"

enum { WM_CHAIN_HASH = 65 };

/* How far the chain was checked, and what is wrong with it. */
typedef struct wm_chain {
    apr_int64_t last;         /* up to this row everything fits */
    char hash[WM_CHAIN_HASH]; /* of that row, in hex */
    apr_int64_t bad;          /* the first row that does not; 0: none was found */
    const char *reason;       /* what is wrong with it: "row 7 " and this are a sentence */
} wm_chain;

typedef struct wm_chain_head {
    const char *site;
    apr_int64_t last;
    char hash[WM_CHAIN_HASH];
    apr_int64_t at;        /* seconds since 1970 */
    const char *signature; /* as wm_export_sign makes it; NULL or "": unsigned */
} wm_chain_head;

/* The beginning: before the first row. */
void wm_chain_begin(wm_chain *chain);

/* Go on for at most ROWS rows.  *MORE is 0 at the end, or when a bad row was found. */
const wm_err *wm_chain_step(wm_chain *chain, int *more, wm_db *db, apr_int64_t rows,
                            apr_pool_t *pool);

/* Does the log still have the row of HASH that was its end once?  Otherwise CHAIN says what is wrong;
 * WHERE is who says so, in words. */
const wm_err *wm_chain_compare(wm_chain *chain, wm_db *db, apr_int64_t last, const char *hash,
                               const char *where, apr_pool_t *pool);

/* How far the newest stored head came; the beginning when there is none. */
const wm_err *wm_chain_stored(wm_chain *chain, wm_db *db, apr_pool_t *pool);

/* Store how far CHAIN was found to fit, or not. */
const wm_err *wm_chain_store(wm_db *db, const wm_chain *chain, apr_time_t now,
                             const char *signature, apr_pool_t *pool);

/* What is signed of HEAD. */
const char *wm_chain_head_text(const wm_chain_head *head, apr_pool_t *pool);

/* HEAD as a line of a file of heads: JSON and a line end. */
const char *wm_chain_head_line(const wm_chain_head *head, apr_pool_t *pool);

/* The head in LINE of SIZE bytes; WM_E_INPUT when it is none. */
const wm_err *wm_chain_head_parse(wm_chain_head *head, const char *line, size_t size,
                                  apr_pool_t *pool);

#endif
