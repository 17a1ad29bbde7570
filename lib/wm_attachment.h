/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come with bundles (wire protocol 7.5), kept outside any served directory under names
 * of ours: nothing that a client said becomes part of a path. */
#ifndef WM_ATTACHMENT_H
#define WM_ATTACHMENT_H

#include <apr_pools.h>

#include "wm_bundle.h"
#include "wm_err.h"

/* Write every file of BUNDLE to ROOT/YYYY/MM/<uid>-<n> (UTC month of its reception) and fill in path
 * (relative to ROOT, in POOL) and sha256.  Everything is on disk when this returns, file contents
 * and directory entries both.  WM_E_BUSY when the disk does not take it; whatever was written until
 * then has a path and can be removed.  ROOT must exist. */
const wm_err *wm_attachment_store(wm_bundle *bundle, const char *root, apr_pool_t *pool);

/* Remove the files of BUNDLE that have a path: the bundle was not stored. */
void wm_attachment_remove(const wm_bundle *bundle, const char *root, apr_pool_t *pool);

#endif
