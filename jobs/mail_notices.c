/* SPDX-License-Identifier: Apache-2.0 */
/* Mail about what has ended: exports that are ready, jobs that failed.  It is found afterwards, by the
 * job that sends mail, so that nothing that ends has to wait for it, or can fail by it. */
#include <string.h>

#include <apr_strings.h>

#include "job.h"
#include "mail.h"
#include "settings.h"

const char *wm_mail_site(apr_pool_t *pool)
{
    const char *url = wm_setting_text(WM_SETTING_SITE_URL);
    size_t size = url ? strlen(url) : 0;

    while (size && url[size - 1] == '/')
        size--;
    return size ? apr_pstrmemdup(pool, url, size) : NULL;
}

/* "\nhttps://HOST/dashboard/exports/17\n", or nothing. */
static const char *export_link(const char *number, apr_pool_t *pool)
{
    const char *site = wm_mail_site(pool);

    return site && strcmp(number, "0")
               ? apr_pstrcat(pool, "\n", site, "/exports/", number, "\n", NULL)
               : "";
}

/* Name, size and time: nothing of what participants sent. */
static const wm_err *tell_ready(wm_job_run *run, const wm_rows *rows, int i, apr_pool_t *pool)
{
    const char *number = wm_rows_text(rows, i, 0), *study = wm_rows_text(rows, i, 2);
    const char *expires = wm_rows_text(rows, i, 6);
    const char *body = apr_psprintf(
        pool,
        "The archive of export %s is ready.\n\n  Study    %s\n  Archive  %s\n  Rows     %s\n"
        "  Size     %s\n%s%s",
        number, study, wm_rows_text(rows, i, 3), wm_rows_text(rows, i, 4), wm_rows_text(rows, i, 5),
        expires ? apr_pstrcat(pool, "  Until    ", expires, " (", wm_rows_text(rows, i, 7),
                              "); then it is removed\n", NULL)
                : "",
        export_link(number, pool));

    return wm_mail_add(run->db, wm_rows_text(rows, i, 1),
                       apr_psprintf(pool, "Export %s is ready", number), body,
                       wm_rows_text(rows, i, 8), pool);
}

static const wm_err *tell_failed(wm_job_run *run, const wm_rows *rows, int i, apr_pool_t *pool)
{
    const char *number = wm_rows_text(rows, i, 0), *job = wm_rows_text(rows, i, 1);
    const char *night = wm_rows_text(rows, i, 5), *error = wm_rows_text(rows, i, 2);
    const char *body =
        apr_psprintf(pool,
                     "%s%s has failed for good (job %s, tries: %s):\n\n  %s\n\n%s"
                     "Its history, and another try when the cause is removed:\n\n"
                     "  webmunkd job show %s\n  webmunkd job retry %s\n%s",
                     *night ? "The " : "The job ", *night ? night : job, number,
                     wm_rows_text(rows, i, 3), *error ? error : "no reason was given",
                     *night ? "The night is tried again every six hours, and told once.\n\n" : "",
                     number, number, export_link(wm_rows_text(rows, i, 4), pool));

    return wm_mail_add(
        run->db, NULL,
        apr_psprintf(pool, "%s%s has failed", *night ? "The " : "The job ", *night ? night : job),
        body, wm_rows_text(rows, i, 6), pool);
}

static const wm_err *tell_all(wm_job_run *run, wm_sql_id statement,
                              const wm_err *(*tell)(wm_job_run *, const wm_rows *, int,
                                                    apr_pool_t *))
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, run->db, statement, WM_NO_ARGS, run->pool));
    for (int i = 0; i < wm_rows_count(rows); i++)
        WM_TRY(tell(run, rows, i, run->pool));
    return NULL;
}

const wm_err *wm_mail_notices(wm_job_run *run)
{
    WM_TRY(tell_all(run, WM_SQL_MAIL_EXPORTS_READY, tell_ready));
    return tell_all(run, WM_SQL_MAIL_JOBS_FAILED, tell_failed);
}
