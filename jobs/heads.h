/* SPDX-License-Identifier: Apache-2.0 */
/* The file of heads of the access log, a line each, which only grows.  It is worth most where who can
 * change the database cannot change it: on another host, printed, or with its append-only bit set. */
#ifndef WM_HEADS_H
#define WM_HEADS_H

#include <apr_pools.h>

#include "wm_audit_chain.h"

/* Call EACH for every head in PATH, in order, with its line.  A line that was not finished is none; without
 * the file there is no head.  WM_E_INPUT for a line that is no head.  POOL keeps what EACH keeps. */
const wm_err *wm_heads_read(const char *path,
                            const wm_err *(*each)(void *baton, const wm_chain_head *head, int line),
                            void *baton, apr_pool_t *pool);

/* Append HEAD to PATH, durably, in place of a line that was not finished. */
const wm_err *wm_heads_append(const char *path, const wm_chain_head *head, apr_pool_t *pool);

#endif
