/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "wm_session.h"
#include "wm_utf8.h"

enum {
    KEY_BYTES = 32,
    HEX_ROOM = 2 * crypto_hash_sha256_BYTES + 1,
    TOUCH_SECONDS = 60,
    HANDLE_LETTERS = 16,
    PURGE_LIMIT = 100,
    NOTE_MAX = 500
};

static apr_interval_time_t idle_of(const wm_session_options *options)
{
    return options && options->idle ? options->idle : apr_time_from_sec(8 * 3600);
}

static apr_interval_time_t absolute_of(const wm_session_options *options)
{
    return options && options->absolute ? options->absolute : apr_time_from_sec(7 * 86400);
}

static void digest_hex(char hex[HEX_ROOM], const char *key)
{
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, (const unsigned char *)key, strlen(key));
    sodium_bin2hex(hex, HEX_ROOM, digest, sizeof digest);
}

/* What a client says about itself, made storable and short. */
static const char *note(const char *text, apr_pool_t *pool)
{
    wm_text t = {.data = text, .size = text ? strlen(text) : 0};

    if (!text)
        return NULL;
    if (t.size > NOTE_MAX)
        t.size = NOTE_MAX;
    wm_utf8_repair(&t, pool);
    return apr_pstrmemdup(pool, t.data, t.size);
}

const wm_err *wm_session_start(char key[WM_SESSION_KEY_ROOM], wm_db *db, apr_int64_t account_id,
                               const char *address, const char *user_agent,
                               const wm_session_options *options, apr_time_t now, apr_pool_t *pool)
{
    unsigned char random[KEY_BYTES];
    char hex[HEX_ROOM];

    randombytes_buf(random, sizeof random);
    sodium_bin2base64(key, WM_SESSION_KEY_ROOM, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
    digest_hex(hex, key);
    WM_TRY(wm_session_purge(NULL, db, options, PURGE_LIMIT, now, pool));
    return wm_db_do(NULL, db, WM_SQL_SESSION_START,
                    WM_ARGS(WM_TEXT(hex), WM_I64(account_id), WM_TIME(now),
                            WM_TIME(now + absolute_of(options)), WM_TEXT(note(address, pool)),
                            WM_TEXT(note(user_agent, pool))),
                    pool);
}

static const wm_err *fill(wm_session **session, const wm_rows *rows, apr_pool_t *pool)
{
    wm_session *s = apr_pcalloc(pool, sizeof *s);

    s->account = apr_pcalloc(pool, sizeof *s->account);
    s->id = wm_rows_i64(rows, 0, 0);
    s->handle = apr_pstrndup(pool, wm_rows_text(rows, 0, 1), HANDLE_LETTERS);
    s->created = wm_rows_i64(rows, 0, 2);
    s->last_used = wm_rows_i64(rows, 0, 3);
    s->expires = wm_rows_i64(rows, 0, 4);
    s->address = wm_rows_text(rows, 0, 5);
    s->user_agent = wm_rows_text(rows, 0, 6);
    s->account->id = wm_rows_i64(rows, 0, 7);
    s->account->name = wm_rows_text(rows, 0, 8);
    s->account->last_sign_in = wm_rows_i64(rows, 0, 9);
    WM_TRY(wm_account_grants_parse(s->account, wm_rows_text(rows, 0, 10), pool));
    *session = s;
    return NULL;
}

const wm_err *wm_session_find(wm_session **session, wm_db *db, const char *key,
                              const wm_session_options *options, apr_time_t now, apr_pool_t *pool)
{
    char hex[HEX_ROOM];
    const char *stored;
    wm_rows *rows;

    *session = NULL;
    /* Most of what is not a key needs no statement. */
    if (!key || strlen(key) != WM_SESSION_KEY_ROOM - 1)
        return NULL;
    digest_hex(hex, key);
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_SESSION_FIND,
                      WM_ARGS(WM_TEXT(hex), WM_TIME(now), WM_TIME(now - idle_of(options))), pool));
    if (!wm_rows_count(rows))
        return NULL;
    stored = wm_rows_text(rows, 0, 1);
    if (strlen(stored) != HEX_ROOM - 1 || sodium_memcmp(stored, hex, HEX_ROOM - 1))
        return NULL;
    WM_TRY(fill(session, rows, pool));
    if ((options && options->unattended) ||
        (*session)->last_used > now - apr_time_from_sec(TOUCH_SECONDS))
        return NULL;
    return wm_db_do(NULL, db, WM_SQL_SESSION_TOUCH, WM_ARGS(WM_I64((*session)->id), WM_TIME(now)),
                    pool);
}

const wm_err *wm_session_end(wm_db *db, const char *key, apr_pool_t *pool)
{
    char hex[HEX_ROOM];

    digest_hex(hex, key);
    return wm_db_do(NULL, db, WM_SQL_SESSION_END, WM_ARGS(WM_TEXT(hex)), pool);
}

const wm_err *wm_session_end_id(wm_db *db, apr_int64_t account_id, apr_int64_t id, apr_pool_t *pool)
{
    apr_int64_t gone;

    WM_TRY(
        wm_db_do(&gone, db, WM_SQL_SESSION_END_ID, WM_ARGS(WM_I64(account_id), WM_I64(id)), pool));
    return gone ? NULL : wm_err_make(pool, WM_E_NOT_FOUND, "the account has no such session");
}

const wm_err *wm_session_end_all(apr_int64_t *ended, wm_db *db, apr_int64_t account_id,
                                 apr_int64_t except, apr_pool_t *pool)
{
    return wm_db_do(ended, db, WM_SQL_SESSION_END_ALL, WM_ARGS(WM_I64(account_id), WM_I64(except)),
                    pool);
}

const wm_err *wm_session_purge(apr_int64_t *gone, wm_db *db, const wm_session_options *options,
                               apr_int64_t limit, apr_time_t now, apr_pool_t *pool)
{
    return wm_db_do(gone, db, WM_SQL_SESSION_PURGE,
                    WM_ARGS(WM_TIME(now), WM_TIME(now - idle_of(options)), WM_I64(limit)), pool);
}
