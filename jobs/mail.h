/* SPDX-License-Identifier: Apache-2.0 */
/* Mail: a row now, sent by the job "mail" when the mail server is there, as [mail] of the settings says. */
#ifndef WM_MAIL_H
#define WM_MAIL_H

#include <apr_pools.h>
#include <apr_time.h>

#include "wm_buf.h"
#include "wm_db.h"
#include "wm_err.h"

struct wm_job_run;

typedef struct wm_mail {
    apr_int64_t id, added;
    const char *from;      /* addresses that wm_mail_address_ok likes */
    const char *const *to; /* ended by NULL */
    const char *subject;   /* UTF-8, anything */
    const char *body;
    apr_time_t now;
} wm_mail;

/* Tell TO (NULL: the administrators) once about WHAT.  In the caller's transaction when one is open. */
const wm_err *wm_mail_add(wm_db *db, const char *to, const char *subject, const char *body,
                          const char *what, apr_pool_t *pool);

/* Add what there is to tell about exports that are ready and jobs that have failed. */
const wm_err *wm_mail_notices(struct wm_job_run *run);

/* The address of the dashboard without a slash behind it; NULL when nobody says it. */
const char *wm_mail_site(apr_pool_t *pool);

/* Is ADDRESS one plain address (RFC 5321 without quoting), that can end no header and add no other? */
int wm_mail_address_ok(const char *address);

/* TEXT as the value of a header: one line, in encoded words when it is not plain (RFC 2047). */
const char *wm_mail_header(const char *text, apr_pool_t *pool);

/* The mail as it travels; it belongs to POOL. */
const wm_err *wm_mail_text(wm_buf **text, const wm_mail *mail, apr_pool_t *pool);

#endif
