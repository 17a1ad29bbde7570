/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <sodium.h>

#include "wm_csrf.h"

enum { DAY = 86400 };

static void put_size(crypto_auth_hmacsha256_state *state, apr_uint64_t value)
{
    unsigned char bytes[8];

    for (int i = 7; i >= 0; i--) {
        bytes[i] = (unsigned char)(value & 0xff);
        value >>= 8;
    }
    crypto_auth_hmacsha256_update(state, bytes, sizeof bytes);
}

/* The length goes first, so that no two pairs of texts run into the same bytes. */
static void put_text(crypto_auth_hmacsha256_state *state, const char *text)
{
    put_size(state, strlen(text));
    crypto_auth_hmacsha256_update(state, (const unsigned char *)text, strlen(text));
}

static void make_for_day(char token[WM_CSRF_ROOM], const wm_csrf_secret *secret, const char *user,
                         const char *session, apr_int64_t day)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, secret->bytes, sizeof secret->bytes);
    put_text(&state, "webmunk form");
    put_text(&state, user);
    put_text(&state, session);
    put_size(&state, (apr_uint64_t)day);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_bin2base64(token, WM_CSRF_ROOM, mac, sizeof mac,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void wm_csrf_make(char token[WM_CSRF_ROOM], const wm_csrf_secret *secret, const char *user,
                  const char *session, apr_time_t now)
{
    make_for_day(token, secret, user, session, apr_time_sec(now) / DAY);
}

int wm_csrf_check(const wm_csrf_secret *secret, const char *user, const char *session,
                  const char *token, apr_time_t now)
{
    apr_int64_t day = apr_time_sec(now) / DAY;
    char today[WM_CSRF_ROOM], yesterday[WM_CSRF_ROOM];
    int fits;

    if (!token || strlen(token) != WM_CSRF_ROOM - 1)
        return 0;
    make_for_day(today, secret, user, session, day);
    make_for_day(yesterday, secret, user, session, day - 1);
    /* Both, always: which one fits is not to be told by the time. */
    fits = !sodium_memcmp(token, today, WM_CSRF_ROOM - 1);
    fits |= !sodium_memcmp(token, yesterday, WM_CSRF_ROOM - 1);
    return fits;
}

/* 32 bytes as they are, or 64 hex digits and perhaps a line end. */
static int parse_secret(wm_csrf_secret *secret, const char *data, apr_size_t size)
{
    size_t got = 0;

    if (size == WM_SECRET_SIZE) {
        memcpy(secret->bytes, data, WM_SECRET_SIZE);
        return 1;
    }
    while (size && (data[size - 1] == '\n' || data[size - 1] == '\r'))
        size--;
    return size == 2 * WM_SECRET_SIZE &&
           !sodium_hex2bin(secret->bytes, WM_SECRET_SIZE, data, size, NULL, &got, NULL) &&
           got == WM_SECRET_SIZE;
}

const wm_err *wm_csrf_secret_file(wm_csrf_secret *secret, const char *path, apr_pool_t *pool)
{
    char data[2 * WM_SECRET_SIZE + 3];
    apr_size_t size = 0;
    apr_file_t *file;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    int good;

    if (status)
        return wm_err_apr(pool, status, "cannot read %s", path);
    status = apr_file_read_full(file, data, sizeof data, &size);
    apr_file_close(file);
    if (status && !APR_STATUS_IS_EOF(status))
        return wm_err_apr(pool, status, "cannot read %s", path);
    good = parse_secret(secret, data, size);
    sodium_memzero(data, sizeof data);
    return good ? NULL
                : wm_err_make(pool, WM_E_INPUT, "%s has neither %d bytes nor %d hex digits", path,
                              WM_SECRET_SIZE, 2 * WM_SECRET_SIZE);
}

const wm_err *wm_csrf_secret_db(wm_csrf_secret *secret, wm_db *db, apr_pool_t *pool)
{
    const char *hex;
    wm_rows *rows;

    WM_TRY(wm_db_rows(&rows, db, WM_SQL_SESSION_SECRET, WM_NO_ARGS, pool));
    hex = wm_rows_count(rows) ? wm_rows_text(rows, 0, 0) : "";
    if (!parse_secret(secret, hex, strlen(hex)))
        return wm_err_make(pool, WM_E_SYSTEM,
                           "the database has no secret for form tokens: run webmunkd migrate");
    return NULL;
}
