/* SPDX-License-Identifier: Apache-2.0 */
#include <libpq-events.h>

#include "wm_position.h"

/* What a connection has as instance data when it has asked: not NULL. */
static const char asked[] = "asked";

/* Behind a connection that was made anew there may be another cluster. */
static int on_event(PGEventId id, void *info, void *through)
{
    (void)through;
    if (id == PGEVT_CONNRESET)
        PQsetInstanceData(((PGEventConnReset *)info)->conn, on_event, NULL);
    return 1;
}

static const wm_err *ask(wm_db *db, wm_sql_id id, apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, id, WM_NO_ARGS, pool));
    if (wm_rows_count(rows) && wm_rows_bool(rows, 0, 0))
        wm_log_write(
            db->log, WM_LOG_NOTICE,
            "WM0650 this cluster's transaction ids are below those of the data, as after a "
            "restore: positions go on after those of the restored data");
    return NULL;
}

const wm_err *wm_position_raise(wm_db *db, apr_pool_t *pool)
{
    return ask(db, WM_SQL_POSITION_RAISE, pool);
}

const wm_err *wm_position_follow(wm_db *db, apr_pool_t *pool)
{
    if (PQinstanceData(db->conn, on_event))
        return NULL;
    WM_TRY(ask(db, WM_SQL_POSITION_FOLLOW, pool));
    /* Registered already after a reset; without memory it asks again the next time. */
    PQregisterEventProc(db->conn, on_event, "webmunk", NULL);
    PQsetInstanceData(db->conn, on_event, (void *)asked);
    return NULL;
}
