/* SPDX-License-Identifier: Apache-2.0 */
/* The form at the head of a participant's page: out of all exports, or in them again. */
#include <string.h>

#include <apr_strings.h>
#include <httpd.h>

#include "wm_source.h"

#include "../auth.h"
#include "../handlers.h"
#include "../page.h"
#include "export.h"

static const wm_err *change(wm_http *h, wm_db *db, const wm_source *source, int exclude,
                            const char *reason)
{
    wm_audit row = wm_auth_audit(h, exclude ? "source-exclude" : "source-include");
    apr_pool_t *pool = h->r->pool;
    int changed;

    WM_TRY(wm_source_exclude(&changed, db, source, exclude, pool));
    if (!changed) /* somebody else was faster */
        return NULL;
    row.object = apr_psprintf(pool, "source:%" APR_INT64_T_FMT, source->id);
    row.sources = &source->id;
    row.source_count = 1;
    row.purpose = reason;
    return wm_audit_add(NULL, db, &row, pool);
}

const wm_err *wm_h_participant_change(wm_http *h)
{
    const char *what = h->capture[1], *reason = wm_audit_purpose(wm_http_field(h, "reason"));
    const wm_account *person = wm_auth_known(h->r)->account;
    int exclude = !strcmp(what, "exclude");
    apr_pool_t *pool = h->r->pool;
    wm_source *source;
    wm_db *db;

    if (!exclude && strcmp(what, "include"))
        return wm_err_make(pool, WM_E_NOT_FOUND, "a participant has no such button");
    if (!reason || strlen(reason) > WM_PURPOSE_MAX)
        return wm_err_make(pool, WM_E_INPUT, "reason must say why, in at most %d bytes",
                           WM_PURPOSE_MAX);
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_source_find(&source, db, NULL, wm_captured_number(h), pool));
    if (!wm_account_may(person, WM_MAY_STATES, source->study))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no such participant in their sight");
    if (!wm_page_may_exclude(person, source->study))
        return wm_err_make(pool, WM_E_FORBIDDEN, "they may see participants, not change them");
    WM_TRY(wm_db_begin(db, pool));
    WM_TRY(change(h, db, source, exclude, reason));
    WM_TRY(wm_db_commit(db, pool));
    return wm_page_redirect(
        h, "participant",
        WM_CHANGES({"id-number", apr_psprintf(pool, "%" APR_INT64_T_FMT, source->id)}));
}
