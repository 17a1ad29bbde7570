/* SPDX-License-Identifier: Apache-2.0 */
#include "mail.h"

const wm_err *wm_mail_add(wm_db *db, const char *to, const char *subject, const char *body,
                          const char *what, apr_pool_t *pool)
{
    return wm_db_do(NULL, db, WM_SQL_MAIL_ADD,
                    WM_ARGS(WM_TEXT(to), WM_TEXT(subject), WM_TEXT(body), WM_TEXT(what)), pool);
}
