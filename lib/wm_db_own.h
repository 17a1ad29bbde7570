/* SPDX-License-Identifier: Apache-2.0 */
/* Of wm_db.c, for wm_db_statement.c. */
#ifndef WM_DB_OWN_H
#define WM_DB_OWN_H

#include "wm_db.h"

/* Why WHAT failed, by RESULT (NULL: there is none); in POOL. */
const wm_err *wm_db_error(wm_db *db, const PGresult *result, const char *what, apr_pool_t *pool);

#endif
