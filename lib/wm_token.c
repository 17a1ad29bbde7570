/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "wm_token.h"

enum { TOKEN_BYTES = 32, HEX_ROOM = 2 * crypto_hash_sha256_BYTES + 1 };

static void digest_hex(char hex[HEX_ROOM], const char *text)
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(hex, HEX_ROOM, digest, sizeof digest);
}

/* b64token of RFC 6750, 2.1. */
static int is_bearer(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                  "-._~+/";
    size_t body = strspn(text, letters);

    return body && body + strspn(text + body, "=") == strlen(text) && strlen(text) <= WM_TOKEN_MAX;
}

const char *wm_token_bearer(const char *header, apr_pool_t *pool)
{
    static const char scheme[] = "bearer";
    const char *end;
    char *text;

    if (!header)
        return NULL;
    for (size_t i = 0; scheme[i]; i++)
        if (tolower((unsigned char)*header++) != scheme[i])
            return NULL;
    if (*header != ' ')
        return NULL;
    header += strspn(header, " ");
    for (end = header + strlen(header); end > header && (end[-1] == ' ' || end[-1] == '\t');)
        end--;
    text = apr_pstrmemdup(pool, header, (apr_size_t)(end - header));
    return is_bearer(text) ? text : NULL;
}

const wm_err *wm_token_find(wm_token **token, wm_db *db, const char *text, apr_time_t now,
                            apr_pool_t *pool)
{
    char hex[HEX_ROOM];
    const char *stored;
    wm_rows *rows;
    wm_token *t;

    *token = NULL;
    if (!text)
        return wm_err_make(pool, WM_E_AUTH, "no bearer token");
    digest_hex(hex, text);
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_TOKEN_FIND, WM_ARGS(WM_TEXT(hex), WM_TIME(now)), pool));
    stored = wm_rows_count(rows) ? wm_rows_text(rows, 0, 3) : "";
    if (strlen(stored) != HEX_ROOM - 1 || sodium_memcmp(stored, hex, HEX_ROOM - 1))
        return wm_err_make(pool, WM_E_AUTH, "the bearer token is unknown, revoked or expired");
    t = apr_pcalloc(pool, sizeof *t);
    t->id = wm_rows_i64(rows, 0, 0);
    t->name = wm_rows_text(rows, 0, 1);
    t->study = wm_rows_i64(rows, 0, 2);
    if (wm_rows_bool(rows, 0, 4))
        WM_TRY(wm_db_do(NULL, db, WM_SQL_TOKEN_TOUCH, WM_ARGS(WM_I64(t->id), WM_TIME(now)), pool));
    *token = t;
    return NULL;
}

static const wm_err *insert(wm_db *db, const char *name, const char *text, apr_int64_t study,
                            apr_time_t expires, apr_pool_t *pool)
{
    wm_arg until = expires ? WM_TIME(expires) : WM_NULL(WM_OID_TIMESTAMPTZ);
    const wm_err *err;
    char hex[HEX_ROOM];

    digest_hex(hex, text);
    err = wm_db_do(NULL, db, WM_SQL_TOKEN_ADD,
                   WM_ARGS(WM_TEXT(name), WM_TEXT(hex), WM_I64(study), until), pool);
    if (err && err->code == WM_E_CONFLICT)
        return wm_err_make(pool, WM_E_CONFLICT,
                           "there is a token with this name or this text already");
    if (err && !strcmp(err->sqlstate, "23514"))
        return wm_err_make(pool, WM_E_INPUT, "a token's name has 1 to 255 bytes and no blanks");
    return err;
}

const wm_err *wm_token_add(char text[WM_TOKEN_ROOM], wm_db *db, const char *name, apr_int64_t study,
                           apr_time_t expires, apr_pool_t *pool)
{
    unsigned char random[TOKEN_BYTES];

    randombytes_buf(random, sizeof random);
    /* The prefix lets scanners of published files recognise a token. */
    memcpy(text, "wm_", 3);
    sodium_bin2base64(text + 3, WM_TOKEN_ROOM - 3, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
    return insert(db, name, text, study, expires, pool);
}

const wm_err *wm_token_register(wm_db *db, const char *name, const char *text, apr_int64_t study,
                                apr_time_t expires, apr_pool_t *pool)
{
    if (strlen(text) < WM_TOKEN_MIN)
        return wm_err_make(pool, WM_E_INPUT, "the token has fewer than %d characters",
                           WM_TOKEN_MIN);
    if (!is_bearer(text))
        return wm_err_make(pool, WM_E_INPUT,
                           "the token has other characters than letters, digits and -._~+/=");
    return insert(db, name, text, study, expires, pool);
}

const wm_err *wm_token_revoke(wm_db *db, const char *name, apr_pool_t *pool)
{
    apr_int64_t changed;

    WM_TRY(wm_db_do(&changed, db, WM_SQL_TOKEN_REVOKE, WM_ARGS(WM_TEXT(name)), pool));
    return changed
               ? NULL
               : wm_err_make(pool, WM_E_NOT_FOUND, "there is no valid token called \"%s\"", name);
}
