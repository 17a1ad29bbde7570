/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <jansson.h>

#include "wm_audit_chain.h"
#include "wm_json_own.h"

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

void wm_chain_begin(wm_chain *chain)
{
    *chain = (wm_chain){.reason = ""};
    memcpy(chain->hash, zeros, sizeof chain->hash);
}

const wm_err *wm_chain_step(wm_chain *chain, int *more, wm_db *db, apr_int64_t count,
                            apr_pool_t *pool)
{
    apr_int64_t before = chain->last;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_AUDIT_CHECK,
                      WM_ARGS(WM_I64(chain->last), WM_TEXT(chain->hash), WM_I64(count)), pool));
    chain->last = wm_rows_i64(rows, 0, 0);
    apr_cpystrn(chain->hash, wm_rows_text(rows, 0, 1), sizeof chain->hash);
    chain->bad = wm_rows_i64(rows, 0, 2);
    chain->reason = apr_pstrdup(pool, wm_rows_text(rows, 0, 3));
    *more = !chain->bad && chain->last - before >= count;
    return NULL;
}

const wm_err *wm_chain_compare(wm_chain *chain, wm_db *db, apr_int64_t last, const char *hash,
                               const char *where, apr_pool_t *pool)
{
    wm_rows *rows;
    int gone;

    if (!last)
        return NULL;
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_AUDIT_HASH, WM_ARGS(WM_I64(last)), pool));
    gone = !wm_rows_count(rows);
    if (!gone && !strcmp(wm_rows_text(rows, 0, 0), hash))
        return NULL;
    chain->bad = last;
    chain->reason = apr_psprintf(
        pool, "%s %s", gone ? "is gone, which was there by" : "is another than it was by", where);
    return NULL;
}

const wm_err *wm_chain_stored(wm_chain *chain, wm_db *db, apr_pool_t *pool)
{
    wm_rows *rows;

    wm_chain_begin(chain);
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_AUDIT_HEAD, WM_NO_ARGS, pool));
    if (!wm_rows_count(rows))
        return NULL;
    chain->last = wm_rows_i64(rows, 0, 0);
    apr_cpystrn(chain->hash, wm_rows_text(rows, 0, 1), sizeof chain->hash);
    chain->bad = wm_rows_i64(rows, 0, 2);
    chain->reason = apr_pstrdup(pool, wm_rows_text(rows, 0, 3));
    return NULL;
}

const wm_err *wm_chain_store(wm_db *db, const wm_chain *chain, apr_time_t now,
                             const char *signature, apr_pool_t *pool)
{
    return wm_db_do(NULL, db, WM_SQL_AUDIT_HEAD_ADD,
                    WM_ARGS(WM_TIME(now), WM_I64(chain->last), WM_TEXT(chain->hash),
                            WM_I64(chain->bad), WM_TEXT(chain->bad ? chain->reason : ""),
                            WM_TEXT(signature ? signature : "")),
                    pool);
}

const char *wm_chain_head_text(const wm_chain_head *head, apr_pool_t *pool)
{
    return apr_psprintf(pool,
                        "webmunk access log\nsite %s\nrow %" APR_INT64_T_FMT
                        "\nsha256 %s\nat %" APR_INT64_T_FMT "\n",
                        head->site, head->last, head->hash, head->at);
}

const char *wm_chain_head_line(const wm_chain_head *head, apr_pool_t *pool)
{
    json_t *line =
        json_pack("{s:s, s:I, s:s, s:I, s:s*}", "site", head->site, "row", (json_int_t)head->last,
                  "sha256", head->hash, "at", (json_int_t)head->at, "signature",
                  head->signature && *head->signature ? head->signature : NULL);

    return apr_pstrcat(pool, wm_json_own_text(wm_json_own(line, pool), pool), "\n", NULL);
}

const wm_err *wm_chain_head_parse(wm_chain_head *head, const char *line, size_t size,
                                  apr_pool_t *pool)
{
    json_int_t row = 0, at = 0;
    const char *hash = NULL;
    json_t *root;

    *head = (wm_chain_head){.site = NULL};
    if (wm_json_own_parse(&root, line, size, pool) ||
        json_unpack(root, "{s:s, s:I, s:s, s:I, s?s}", "site", &head->site, "row", &row, "sha256",
                    &hash, "at", &at, "signature", &head->signature) ||
        row < 0 || strlen(hash) != WM_CHAIN_HASH - 1 ||
        strspn(hash, "0123456789abcdef") != WM_CHAIN_HASH - 1)
        return wm_err_make(pool, WM_E_INPUT, "that is no head of an access log");
    head->last = row;
    head->at = at;
    memcpy(head->hash, hash, sizeof head->hash);
    return NULL;
}
