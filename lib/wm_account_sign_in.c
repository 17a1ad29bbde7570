/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <string.h>

#include <apr_strings.h>

#include "wm_account.h"
#include "wm_utf8.h"

/* Behind one address may sit a whole lab. */
enum { FREE_BY_ACCOUNT = 5, FREE_BY_ADDRESS = 20, PURGE_LIMIT = 100 };

struct wm_sign_in {
    wm_account *account; /* NULL: unknown, or without password */
    const char *hash;
    const char *account_key;
    const char *address_key; /* NULL: no address */
    int fits;
    const char *new_hash; /* NULL: the present one stays */
};

/* What counts as one address: an IPv4 address, also a mapped one, or a /64 of IPv6, because that is
 * what one customer gets. */
static const char *address_unit(const char *address, apr_pool_t *pool)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned char b[16];

    if (inet_pton(AF_INET6, address, b) != 1)
        return address;
    if (!memcmp(b, mapped, sizeof mapped))
        return apr_psprintf(pool, "%d.%d.%d.%d", b[12], b[13], b[14], b[15]);
    return apr_psprintf(pool, "%02x%02x:%02x%02x:%02x%02x:%02x%02x::/64", b[0], b[1], b[2], b[3],
                        b[4], b[5], b[6], b[7]);
}

static const wm_err *take(int *retry_after, wm_db *db, const char *key, int free_tries,
                          apr_time_t now, apr_pool_t *pool)
{
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_ACCOUNT_THROTTLE_TAKE,
                      WM_ARGS(WM_TEXT(key), WM_TIME(now), WM_I64(free_tries)), pool));
    if (wm_rows_bool(rows, 0, 0))
        return NULL;
    *retry_after = (int)wm_rows_i64(rows, 0, 1);
    if (*retry_after < 1)
        *retry_after = 1;
    return wm_err_make(pool, WM_E_RATE, "too many failed sign-ins: %d seconds to wait",
                       *retry_after);
}

const wm_err *wm_sign_in_begin(wm_sign_in **sign_in, int *retry_after, wm_db *db, const char *name,
                               const char *address, apr_time_t now, apr_pool_t *pool)
{
    wm_sign_in *s = apr_pcalloc(pool, sizeof *s);
    size_t size = strlen(name);
    wm_account *account;
    const char *hash;
    wm_rows *rows;

    *retry_after = 0;
    /* What cannot be a name counts as one that nobody has. */
    if (size > WM_ACCOUNT_NAME_MAX || !wm_utf8_valid(name, name + size))
        name = "";
    WM_TRY(wm_db_rows(&rows, db, WM_SQL_ACCOUNT_THROTTLE_KEY,
                      WM_ARGS(WM_TEXT(name), WM_TEXT(address ? address_unit(address, pool) : NULL)),
                      pool));
    s->account_key = wm_rows_text(rows, 0, 0);
    s->address_key = wm_rows_text(rows, 0, 1);
    /* The address first: while it waits, its attempts do not hold up the account's owner. */
    if (s->address_key)
        WM_TRY(take(retry_after, db, s->address_key, FREE_BY_ADDRESS, now, pool));
    WM_TRY(take(retry_after, db, s->account_key, FREE_BY_ACCOUNT, now, pool));
    WM_TRY(wm_account_find_hash(&account, &hash, db, name, pool));
    if (account && !account->disabled && hash) {
        s->account = account;
        s->hash = hash;
    }
    *sign_in = s;
    return NULL;
}

const wm_err *wm_sign_in_check(wm_sign_in *sign_in, const char *password, apr_pool_t *pool)
{
    char hash[WM_PASSWORD_HASH_ROOM];

    /* A password that cannot have been set is not worth more work than others. */
    if (strlen(password) > WM_PASSWORD_MAX)
        password = "";
    sign_in->fits = wm_password_check(sign_in->hash, password);
    if (!sign_in->fits)
        return wm_err_make(pool, WM_E_AUTH, "name or password is wrong");
    if (wm_password_stale(sign_in->hash)) {
        WM_TRY(wm_password_hash(hash, password, pool));
        sign_in->new_hash = apr_pstrdup(pool, hash);
    }
    return NULL;
}

const wm_err *wm_sign_in_finish(wm_account **account, wm_sign_in *s, wm_db *db, apr_time_t now,
                                apr_pool_t *pool)
{
    apr_int64_t changed;

    *account = NULL;
    if (!s->fits)
        return wm_err_make(pool, WM_E_AUTH, "name or password is wrong");
    WM_TRY(wm_db_do(&changed, db, WM_SQL_ACCOUNT_SIGNED_IN,
                    WM_ARGS(WM_I64(s->account->id), WM_TIME(now), WM_TEXT(s->hash),
                            WM_TEXT(s->new_hash ? s->new_hash : s->hash)),
                    pool));
    if (!changed)
        return wm_err_make(pool, WM_E_AUTH, "the account was changed during the sign-in");
    WM_TRY(
        wm_db_do(NULL, db, WM_SQL_ACCOUNT_THROTTLE_FORGET, WM_ARGS(WM_TEXT(s->account_key)), pool));
    if (s->address_key)
        WM_TRY(wm_db_do(NULL, db, WM_SQL_ACCOUNT_THROTTLE_RETURN,
                        WM_ARGS(WM_TEXT(s->address_key), WM_TIME(now)), pool));
    WM_TRY(wm_sign_in_purge(NULL, db, PURGE_LIMIT, now, pool));
    *account = s->account;
    return NULL;
}

const wm_err *wm_sign_in_purge(apr_int64_t *gone, wm_db *db, apr_int64_t limit, apr_time_t now,
                               apr_pool_t *pool)
{
    return wm_db_do(gone, db, WM_SQL_ACCOUNT_THROTTLE_PURGE, WM_ARGS(WM_TIME(now), WM_I64(limit)),
                    pool);
}

const wm_err *wm_account_sign_in(wm_account **account, int *retry_after, wm_db *db,
                                 const char *name, const char *password, const char *address,
                                 apr_time_t now, apr_pool_t *pool)
{
    wm_sign_in *s;

    *account = NULL;
    WM_TRY(wm_sign_in_begin(&s, retry_after, db, name, address, now, pool));
    WM_TRY(wm_sign_in_check(s, password, pool));
    return wm_sign_in_finish(account, s, db, now, pool);
}
