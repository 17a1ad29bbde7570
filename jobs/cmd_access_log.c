/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include "command.h"
#include "heads.h"
#include "settings.h"
#include "wm_export_sign.h"

enum { BATCH = 10000 };

static const wm_err *broken(wm_run *run, const wm_chain *chain)
{
    return wm_err_make(run->pool, WM_E_CONFLICT, "row %" APR_INT64_T_FMT " %s", chain->bad,
                       chain->reason);
}

static const wm_err *check_rows(wm_chain *chain, wm_run *run)
{
    apr_time_t told = apr_time_now();
    apr_pool_t *scratch;
    int more = 1;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_AUDIT_LAST, WM_NO_ARGS, run->pool));
    apr_pool_create(&scratch, run->pool);
    wm_chain_begin(chain);
    while (more) {
        apr_pool_clear(scratch);
        WM_TRY(wm_chain_step(chain, &more, run->db, BATCH, scratch));
        if (chain->bad)
            return broken(run, chain);
        if (apr_time_now() - told < APR_USEC_PER_SEC)
            continue;
        told = apr_time_now();
        wm_run_progress(run, "row %" APR_INT64_T_FMT " of %" APR_INT64_T_FMT, chain->last,
                        wm_rows_i64(rows, 0, 0));
    }
    return NULL;
}

static const wm_err *check_stored(apr_int64_t *count, wm_run *run)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_AUDIT_HEAD_WRONG, WM_NO_ARGS, run->pool));
    if (wm_rows_count(rows))
        return wm_err_make(run->pool, WM_E_CONFLICT,
                           "row %" APR_INT64_T_FMT " %s by the head that was stored on %s",
                           wm_rows_i64(rows, 0, 0),
                           *wm_rows_text(rows, 0, 2) == 't' ? "is gone, which was there"
                                                            : "is another than it was",
                           wm_rows_text(rows, 0, 1));
    WM_TRY(wm_db_rows(&rows, run->db, WM_SQL_AUDIT_HEAD_COUNT, WM_NO_ARGS, run->pool));
    *count = wm_rows_i64(rows, 0, 0);
    return NULL;
}

typedef struct reading {
    wm_run *run;
    const char *file, *key;
    apr_int64_t count;
} reading;

static const wm_err *check_head(void *baton, const wm_chain_head *head, int line)
{
    reading *r = baton;
    apr_pool_t *pool = r->run->pool;
    const char *where = apr_psprintf(pool, "%s:%d", r->file, line);
    const char *text = wm_chain_head_text(head, pool);
    char key[WM_SIGN_KEY_TEXT];
    wm_chain chain = {0};

    if (r->key && !head->signature)
        return wm_err_make(pool, WM_E_CONFLICT, "%s has no signature", where);
    if (head->signature)
        WM_TRY(wm_export_sign_check(key, head->signature, text, strlen(text), r->key, where, pool));
    WM_TRY(wm_chain_compare(&chain, r->run->db, head->last, head->hash, where, pool));
    r->count++;
    return chain.bad ? broken(r->run, &chain) : NULL;
}

static const wm_err *verify(wm_run *run)
{
    reading r = {.run = run, .file = wm_run_option(run, "heads"), .key = wm_run_option(run, "key")};
    apr_int64_t stored = 0;
    wm_chain chain;

    if (!r.file)
        r.file = wm_setting_text(WM_SETTING_ACCESS_LOG_FILE);
    if (r.key && !r.file)
        return wm_run_usage(run, "--key goes with --heads");
    WM_TRY(check_rows(&chain, run));
    WM_TRY(check_stored(&stored, run));
    if (r.file)
        WM_TRY(wm_heads_read(r.file, check_head, &r, run->pool));
    if (wm_run_option(run, "heads") && !r.count)
        return wm_err_make(run->pool, WM_E_INPUT, "%s has no head", r.file);
    printf("%" APR_INT64_T_FMT " rows fit, %" APR_INT64_T_FMT " stored heads", chain.last, stored);
    if (r.file)
        printf(", and %" APR_INT64_T_FMT " of %s", r.count, r.file);
    puts("");
    return NULL;
}

const wm_command wm_cmd_access_log_verify = {
    .name = "access-log verify",
    .args = "",
    .summary = "check the access log from its first row on",
    .help = "Checks that each row of the access log is as it was written and follows the one "
            "before it,\n"
            "that it still has every end that was stored (by the job access-log-head), and every "
            "one in\n"
            "the file of heads.  Fails with the first row that does not fit.",
    .needs = WM_NEEDS_DATABASE,
    .options = {{.name = "heads",
                 .arg = "FILE",
                 .help = "the file of heads (default: file of [access_log])"},
                {.name = "key",
                 .arg = "FILE",
                 .help = "the public key that must have signed them"}},
    .run = verify,
};
