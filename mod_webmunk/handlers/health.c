/* SPDX-License-Identifier: Apache-2.0 */
/* health: is this server able to store?  For balancers and monitoring; nothing secret. */
#include <httpd.h>
#include <jansson.h>

#include "../handlers.h"

static const wm_err *ask(wm_http *h)
{
    wm_rows *rows;
    wm_db *db;

    WM_TRY(wm_http_db(&db, h));
    return wm_db_rows(&rows, db, WM_SQL_BASE_NOW, WM_NO_ARGS, h->r->pool);
}

/* 200 when the database answers, 503 when it does not. */
const wm_err *wm_h_health(wm_http *h)
{
    const wm_err *err = ask(h);

    if (err)
        wm_log_write(&h->log, WM_LOG_INFO, "WM0110 health: %s", wm_err_text(err, h->r->pool));
    return wm_reply_json(h, err ? HTTP_SERVICE_UNAVAILABLE : HTTP_OK,
                         json_pack("{s:s, s:b, s:s}", "status", err ? "unavailable" : "ok",
                                   "database", !err, "version", WM_VERSION));
}
