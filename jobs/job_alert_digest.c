/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_strings.h>
#include <jansson.h>

#include "job.h"
#include "mail.h"
#include "settings.h"
#include "wm_alert.h"

enum { LINES = 100 /* of what opened, closed and is open still, each */ };

static const char *digest_at(void)
{
    return wm_setting_text(WM_SETTING_DIGEST_AT);
}

static const wm_err *tell(wm_job_run *run)
{
    apr_pool_t *pool = run->pool;
    wm_alert_digest made;
    json_t *digest;

    WM_TRY(wm_db_do(NULL, run->db, WM_SQL_ALERT_LOCK, WM_NO_ARGS, pool));
    WM_TRY(wm_db_json(&digest, run->db, WM_SQL_ALERT_DIGEST,
                      WM_ARGS(WM_TIME(run->now), WM_I64(LINES)), pool));
    if (json_is_true(json_object_get(digest, "made"))) {
        wm_job_note(run, "today's digest was made before");
        return NULL;
    }
    if (!json_object_size(json_object_get(digest, "counts"))) {
        wm_job_note(run, "nothing has changed and nothing is open: no digest");
        return NULL;
    }
    wm_alert_digest_make(&made, digest, wm_mail_site(pool), pool);
    wm_job_note(run, "%s", made.subject);
    return wm_mail_add(run->db, wm_setting_text(WM_SETTING_DIGEST_TO), made.subject, made.body,
                       json_string_value(json_object_get(digest, "what")), pool);
}

/* Mail what opened and closed since the last digest, and what is open.  What is told is marked in
 * the transaction that adds the mail. */
static const wm_err *alert_digest(wm_job_run *run)
{
    WM_TRY(wm_db_begin(run->db, run->pool));
    WM_TRY(tell(run));
    return wm_db_commit(run->db, run->pool);
}

const wm_job wm_job_alert_digest = {
    .name = "alert-digest",
    .summary = "mail what opened, closed and is open, once a day",
    .daily_at = digest_at,
    .deadline = APR_TIME_C(600) * APR_USEC_PER_SEC,
    .run = alert_digest,
};
