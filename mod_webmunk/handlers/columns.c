/* SPDX-License-Identifier: Apache-2.0 */
/* The form "Columns" of a page with a table. */
#include <httpd.h>

#include "../auth.h"
#include "../handlers.h"
#include "../page.h"

/* It changes what one account sees, nothing of anybody else: no row of the access log. */
const wm_err *wm_h_columns_keep(wm_http *h)
{
    const wm_page *page = wm_page_find(h->capture[0]);
    wm_db *db;

    if (!page || !wm_page_has_columns(page))
        return wm_err_make(h->r->pool, WM_E_NOT_FOUND,
                           "no page of that name has columns to choose");
    WM_TRY(wm_auth_may(h, page->right, WM_ANY_STUDY));
    WM_TRY(wm_http_form(h)); /* JSON has no boxes */
    WM_TRY(wm_http_db(&db, h));
    WM_TRY(wm_page_columns_keep(db, page, wm_auth_known(h->r)->account->id, h->fields, h->r->pool));
    return wm_reply_redirect(h, wm_page_way_back(h, page->path));
}
