/* SPDX-License-Identifier: Apache-2.0 */
/* Mail: a row now, sent by the job "mail" when the mail server is there.  Settings are environment:
 * WEBMUNK_SMTP_URL, WEBMUNK_SMTP_SECRET, WEBMUNK_SMTP_TLS, WEBMUNK_MAIL_FROM, WEBMUNK_MAIL_ADMINS. */
#ifndef WM_MAIL_H
#define WM_MAIL_H

#include <apr_pools.h>

#include "wm_db.h"
#include "wm_err.h"

/* Tell TO (NULL: the administrators) once about WHAT.  In the caller's transaction when one is open. */
const wm_err *wm_mail_add(wm_db *db, const char *to, const char *subject, const char *body,
                          const char *what, apr_pool_t *pool);

#endif
