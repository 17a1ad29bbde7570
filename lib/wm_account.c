/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>

#include "wm_account.h"
#include "wm_utf8.h"

static const wm_err *name_judge(const char *name, apr_pool_t *pool)
{
    size_t size = strlen(name);

    if (!size || size > WM_ACCOUNT_NAME_MAX || !wm_utf8_valid(name, name + size))
        return wm_err_make(pool, WM_E_INPUT, "an account's name has 1 to %d bytes of UTF-8",
                           WM_ACCOUNT_NAME_MAX);
    for (; *name; name++)
        if ((unsigned char)*name <= ' ' || *name == 0x7f)
            return wm_err_make(pool, WM_E_INPUT, "an account's name has no blanks");
    return NULL;
}

const wm_err *wm_account_grants_parse(wm_account *account, const char *text, apr_pool_t *pool)
{
    apr_array_header_t *grants = apr_array_make(pool, 4, sizeof(wm_grant));

    while (text && *text) {
        size_t size = strcspn(text, ",");
        const char *colon = memchr(text, ':', size), *word;
        wm_grant grant;

        if (!colon)
            return wm_err_make(pool, WM_E_SYSTEM, "a grant without study");
        word = apr_pstrmemdup(pool, text, (apr_size_t)(colon - text));
        grant.role = wm_role_parse(word);
        grant.right = wm_right_parse(word);
        grant.study = colon[1] == '*' ? WM_ALL_STUDIES : apr_atoi64(colon + 1);
        /* What a newer schema knows is worth nothing here. */
        if (grant.role != WM_ROLE_COUNT || grant.right != WM_RIGHT_COUNT)
            APR_ARRAY_PUSH(grants, wm_grant) = grant;
        text += size + (text[size] == ',');
    }
    account->grants = (const wm_grant *)grants->elts;
    account->grant_count = grants->nelts;
    return NULL;
}

const wm_err *wm_account_find(wm_account **account, wm_db *db, const char *name, apr_pool_t *pool)
{
    const char *hash;

    return wm_account_find_hash(account, &hash, db, name, pool);
}

const wm_err *wm_account_find_hash(wm_account **account, const char **hash, wm_db *db,
                                   const char *name, apr_pool_t *pool)
{
    wm_account *a;
    wm_rows *rows;

    *account = NULL;
    *hash = NULL;
    if (!wm_utf8_valid(name, name + strlen(name)))
        return NULL;
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_ACCOUNT_FIND, WM_ARGS(WM_TEXT(name)), pool));
    if (!wm_rows_count(rows))
        return NULL;
    a = apr_pcalloc(pool, sizeof *a);
    a->id = wm_rows_i64(rows, 0, 0);
    a->name = wm_rows_text(rows, 0, 1);
    a->disabled = wm_rows_bool(rows, 0, 2);
    a->last_sign_in = wm_rows_i64(rows, 0, 3);
    *hash = wm_rows_text(rows, 0, 4);
    WM_TRY(wm_account_grants_parse(a, wm_rows_text(rows, 0, 5), pool));
    *account = a;
    return NULL;
}

const wm_err *wm_account_add(apr_int64_t *id, wm_db *db, const char *name, const char *password,
                             apr_pool_t *pool)
{
    char hash[WM_PASSWORD_HASH_ROOM];
    const wm_err *err;
    wm_rows *rows;

    WM_TRY(name_judge(name, pool));
    WM_TRY(wm_password_judge(password, name, pool));
    WM_TRY(wm_password_hash(hash, password, pool));
    err = wm_db_rows(&rows, db, WM_SQL_ACCOUNT_ADD, WM_ARGS(WM_TEXT(name), WM_TEXT(hash)), pool);
    if (err && err->code == WM_E_CONFLICT)
        return wm_err_make(pool, WM_E_CONFLICT, "there is an account called \"%s\" already", name);
    WM_TRY(err);
    *id = wm_rows_i64(rows, 0, 0);
    return NULL;
}

const wm_err *wm_account_grant(wm_db *db, apr_int64_t account_id, wm_grant grant, apr_pool_t *pool)
{
    return wm_db_do(
        NULL, db, grant.role != WM_ROLE_COUNT ? WM_SQL_ACCOUNT_GRANT : WM_SQL_ACCOUNT_GRANT_RIGHT,
        WM_ARGS(WM_I64(account_id), WM_TEXT(wm_grant_word(grant)), WM_I64(grant.study)), pool);
}

const wm_err *wm_account_ungrant(wm_db *db, apr_int64_t account_id, wm_grant grant,
                                 apr_pool_t *pool)
{
    int is_role = grant.role != WM_ROLE_COUNT;
    apr_int64_t gone;

    WM_TRY(wm_db_do(&gone, db, is_role ? WM_SQL_ACCOUNT_UNGRANT : WM_SQL_ACCOUNT_UNGRANT_RIGHT,
                    WM_ARGS(WM_I64(account_id), WM_TEXT(wm_grant_word(grant)), WM_I64(grant.study)),
                    pool));
    return gone ? NULL
                : wm_err_make(pool, WM_E_NOT_FOUND, "the account does not have the %s %s there",
                              is_role ? "role" : "right", wm_grant_word(grant));
}

const wm_err *wm_account_study(apr_int64_t *study, wm_db *db, const char *slug, apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_ACCOUNT_STUDY, WM_ARGS(WM_TEXT(slug)), pool));
    if (!wm_rows_count(rows))
        return wm_err_make(pool, WM_E_NOT_FOUND, "there is no study called \"%s\"", slug);
    *study = wm_rows_i64(rows, 0, 0);
    return NULL;
}

/* A statement that answers the account's id when it exists. */
static const wm_err *change(wm_db *db, const char *name, wm_sql_id id, wm_args args,
                            apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, id, args, pool));
    return wm_rows_count(rows)
               ? NULL
               : wm_err_make(pool, WM_E_NOT_FOUND, "there is no account called \"%s\"", name);
}

const wm_err *wm_account_password(wm_db *db, const char *name, const char *password,
                                  apr_pool_t *pool)
{
    char hash[WM_PASSWORD_HASH_ROOM];

    WM_TRY(wm_password_judge(password, name, pool));
    WM_TRY(wm_password_hash(hash, password, pool));
    return change(db, name, WM_SQL_ACCOUNT_PASSWORD, WM_ARGS(WM_TEXT(name), WM_TEXT(hash)), pool);
}

const wm_err *wm_account_disable(wm_db *db, const char *name, int disabled, apr_pool_t *pool)
{
    return change(db, name, WM_SQL_ACCOUNT_DISABLE, WM_ARGS(WM_TEXT(name), WM_BOOL(disabled)),
                  pool);
}
