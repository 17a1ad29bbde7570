/* SPDX-License-Identifier: Apache-2.0 */
/* Check what was added to the access log since the last time, keep its new end, and make that known
 * outside the database. */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "dest.h"
#include "heads.h"
#include "job.h"
#include "mail.h"
#include "settings.h"
#include "wm_export_sign.h"
#include "wm_json_own.h"

enum { BATCH = 10000 };

typedef struct checking {
    wm_job_run *run;
    wm_chain chain, stored;
    const char *file;
    wm_chain_head newest; /* in the file */
} checking;

/* An interrupted run is gone on with. */
static void take_cursor(checking *c)
{
    json_int_t last = 0;
    const char *hash = NULL;

    if (c->run->cursor &&
        !json_unpack(c->run->cursor, "{s:I, s:s}", "last", &last, "hash", &hash) &&
        last > c->chain.last && strlen(hash) == WM_CHAIN_HASH - 1) {
        c->chain.last = last;
        memcpy(c->chain.hash, hash, WM_CHAIN_HASH);
    }
}

static const wm_err *keep_newest(void *baton, const wm_chain_head *head, int line)
{
    checking *c = baton;

    (void)line;
    c->newest = *head;
    return NULL;
}

static const wm_err *compare(checking *c)
{
    apr_pool_t *pool = c->run->pool;

    WM_TRY(wm_chain_compare(&c->chain, c->run->db, c->stored.last, c->stored.hash,
                            "the head that is stored", pool));
    if (!c->file)
        return NULL;
    WM_TRY(wm_heads_read(c->file, keep_newest, c, pool));
    if (!c->chain.bad && c->newest.last)
        WM_TRY(wm_chain_compare(
            &c->chain, c->run->db, c->newest.last, c->newest.hash,
            apr_psprintf(pool, "the newest head in %s (was an older backup restored?)", c->file),
            pool));
    return NULL;
}

static const wm_err *check(checking *c)
{
    wm_job_run *run = c->run;
    apr_int64_t first = c->chain.last;
    int more = !c->chain.bad;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_AUDIT_LAST, WM_NO_ARGS, run->pool));
    while (more && !*run->stop) {
        WM_TRY(wm_chain_step(&c->chain, &more, run->db, BATCH, run->pool));
        WM_TRY(wm_job_cursor(run,
                             wm_json_own(json_pack("{s:I, s:s}", "last", (json_int_t)c->chain.last,
                                                   "hash", c->chain.hash),
                                         run->pool)));
        WM_TRY(wm_job_progress(run, c->chain.last - first, wm_rows_i64(rows, 0, 0) - first, "rows",
                               NULL));
    }
    return NULL;
}

/* Once for each break; it is found again every time, and stays what System shows. */
static const wm_err *alarm_of(checking *c)
{
    wm_job_run *run = c->run;
    apr_pool_t *pool = run->pool;
    const char *what =
        apr_psprintf(pool, "access log row %" APR_INT64_T_FMT " %s, %" APR_INT64_T_FMT,
                     c->chain.bad, c->chain.reason, (apr_int64_t)apr_time_sec(run->now));

    wm_job_note(run, "row %" APR_INT64_T_FMT " %s", c->chain.bad, c->chain.reason);
    if (c->stored.bad == c->chain.bad && !strcmp(c->stored.reason, c->chain.reason))
        return NULL;
    wm_log_write(run->log, WM_LOG_ERROR,
                 "WM0630 the access log was tampered with: row %" APR_INT64_T_FMT " %s",
                 c->chain.bad, c->chain.reason);
    WM_TRY(wm_db_begin(run->db, pool));
    WM_TRY(wm_chain_store(run->db, &c->chain, run->now, NULL, pool));
    WM_TRY(wm_mail_add(
        run->db, NULL, "The access log was tampered with",
        apr_psprintf(pool,
                     "The access log of %s is not what it was: row %" APR_INT64_T_FMT " %s.\n\n"
                     "Up to row %" APR_INT64_T_FMT
                     " everything fits. Keep a copy of the database before"
                     " anything else\nis done. This says it again, for the whole log:\n\n"
                     "  webmunkd access-log verify\n",
                     wm_dest_site(pool), c->chain.bad, c->chain.reason, c->chain.last),
        what, pool));
    return wm_db_commit(run->db, pool);
}

static const wm_err *sign(wm_chain_head *head, apr_pool_t *pool)
{
    const char *key = wm_setting_text(WM_SETTING_EXPORT_KEY), *text;

    if (!key)
        return NULL;
    text = wm_chain_head_text(head, pool);
    return wm_export_sign(&head->signature, text, strlen(text), key, pool);
}

/* One mail a day. */
static const wm_err *mail_head(wm_job_run *run, const wm_chain_head *head)
{
    const char *to = wm_setting_text(WM_SETTING_ACCESS_LOG_MAIL);
    apr_pool_t *pool = run->pool;
    char day[20];
    apr_size_t size;
    apr_time_exp_t now;

    if (!to)
        return NULL;
    apr_time_exp_gmt(&now, run->now);
    apr_strftime(day, &size, sizeof day, "%Y-%m-%d", &now);
    return wm_mail_add(
        run->db, to, apr_psprintf(pool, "Access log of %s, %s", head->site, day),
        apr_psprintf(
            pool,
            "Keep this mail. The access log of %s had this end; if it ever loses or changes a\n"
            "row before, it does not fit any more:\n\n%s\n"
            "As a file of heads, with webmunkd access-log verify --heads FILE:\n\n%s",
            head->site, wm_chain_head_text(head, pool), wm_chain_head_line(head, pool)),
        apr_pstrcat(pool, "access log head ", day, NULL), pool);
}

static const wm_err *publish(checking *c)
{
    wm_job_run *run = c->run;
    wm_chain_head head = {.site = wm_dest_site(run->pool), .last = c->chain.last};

    head.at = apr_time_sec(run->now);
    memcpy(head.hash, c->chain.hash, sizeof head.hash);
    wm_job_note(run, "%" APR_INT64_T_FMT " new rows fit, up to row %" APR_INT64_T_FMT,
                c->chain.last - c->stored.last, c->chain.last);
    if (!c->chain.last)
        return NULL;
    WM_TRY(sign(&head, run->pool));
    if (c->chain.last > c->stored.last || c->stored.bad) {
        WM_TRY(wm_db_begin(run->db, run->pool));
        WM_TRY(wm_chain_store(run->db, &c->chain, run->now, head.signature, run->pool));
        WM_TRY(mail_head(run, &head));
        WM_TRY(wm_db_commit(run->db, run->pool));
    }
    /* After a kill between the two this makes up for it. */
    if (c->file && c->newest.last < head.last)
        WM_TRY(wm_heads_append(c->file, &head, run->pool));
    return NULL;
}

static const wm_err *access_log_head(wm_job_run *run)
{
    checking c = {.run = run, .file = wm_setting_text(WM_SETTING_ACCESS_LOG_FILE)};

    WM_TRY(wm_chain_stored(&c.stored, run->db, run->pool));
    c.chain = c.stored;
    c.chain.bad = 0;
    WM_TRY(compare(&c));
    if (!c.chain.bad) {
        take_cursor(&c);
        WM_TRY(check(&c));
    }
    if (c.chain.bad)
        return alarm_of(&c);
    return *run->stop ? NULL : publish(&c);
}

const wm_job wm_job_access_log_head = {
    .name = "access-log-head",
    .summary = "check the access log's chain and make its end known",
    .every = APR_TIME_C(3600) * APR_USEC_PER_SEC,
    .deadline = APR_TIME_C(6) * 3600 * APR_USEC_PER_SEC,
    .tries = 3,
    .run = access_log_head,
};
