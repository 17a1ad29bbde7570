/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "tap.h"
#include "wm_csrf.h"

#define MIDNIGHT (APR_INT64_C(1700006400) * APR_USEC_PER_SEC) /* 2023-11-15 00:00 UTC */
#define HOUR     (APR_INT64_C(3600) * APR_USEC_PER_SEC)

static const char *directory(apr_pool_t *pool)
{
    const char *dir = NULL;

    apr_temp_dir_get(&dir, pool);
    return dir;
}

static const char *file_with(const void *data, apr_size_t size, apr_pool_t *pool)
{
    char *path = apr_pstrcat(pool, directory(pool), "/wm-csrf-XXXXXX", NULL);
    apr_file_t *file;

    /* Deleted when the pool goes. */
    if (apr_file_mktemp(&file, path, APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_DELONCLOSE,
                        pool))
        return "";
    apr_file_write_full(file, data, size, NULL);
    return path;
}

static void test_tokens(void)
{
    wm_csrf_secret secret = {{1, 2, 3}}, other = {{1, 2, 4}};
    char token[WM_CSRF_ROOM], again[WM_CSRF_ROOM], changed[WM_CSRF_ROOM];

    wm_csrf_make(token, &secret, "anna", "s1", MIDNIGHT);
    wm_csrf_make(again, &secret, "anna", "s1", MIDNIGHT + 23 * HOUR);
    is_str(token, again, "a token is the same all day");
    is_int(strlen(token), WM_CSRF_ROOM - 1, "it has 43 letters");
    is_int(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
           WM_CSRF_ROOM - 1, "they need no escaping in a form or an address");
    ok(wm_csrf_check(&secret, "anna", "s1", token, MIDNIGHT), "a token is accepted");
    ok(wm_csrf_check(&secret, "anna", "s1", token, MIDNIGHT + 47 * HOUR),
       "it is accepted the day after");
    ok(!wm_csrf_check(&secret, "anna", "s1", token, MIDNIGHT + 48 * HOUR), "and not after that");
    ok(!wm_csrf_check(&secret, "anna", "s1", token, MIDNIGHT - HOUR), "nor the day before");
    ok(!wm_csrf_check(&secret, "bert", "s1", token, MIDNIGHT), "another user's token is refused");
    ok(!wm_csrf_check(&secret, "anna", "s2", token, MIDNIGHT),
       "another session's token is refused");
    ok(!wm_csrf_check(&other, "anna", "s1", token, MIDNIGHT), "another server's token is refused");
    wm_csrf_make(token, &secret, "anna", "bert", MIDNIGHT);
    ok(!wm_csrf_check(&secret, "annab", "ert", token, MIDNIGHT),
       "user and session do not run into each other");
    for (int i = 0; i < WM_CSRF_ROOM - 2; i += 7) {
        memcpy(changed, token, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ok(!wm_csrf_check(&secret, "anna", "bert", changed, MIDNIGHT), "letter %d counts", i);
    }
    ok(!wm_csrf_check(&secret, "anna", "bert", NULL, MIDNIGHT), "no token is refused");
    ok(!wm_csrf_check(&secret, "anna", "bert", "", MIDNIGHT), "an empty token is refused");
    token[WM_CSRF_ROOM - 2] = '\0';
    ok(!wm_csrf_check(&secret, "anna", "bert", token, MIDNIGHT), "a cut-off token is refused");
}

static void test_files(apr_pool_t *pool)
{
    unsigned char bytes[WM_SECRET_SIZE];
    wm_csrf_secret secret;
    const wm_err *err;

    for (int i = 0; i < WM_SECRET_SIZE; i++)
        bytes[i] = (unsigned char)i;
    ok(!wm_csrf_secret_file(&secret, file_with(bytes, sizeof bytes, pool), pool) &&
           !memcmp(secret.bytes, bytes, sizeof bytes),
       "a file of 32 bytes is a secret");
    memset(&secret, 0, sizeof secret);
    ok(!wm_csrf_secret_file(
           &secret,
           file_with("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", 65,
                     pool),
           pool) &&
           !memcmp(secret.bytes, bytes, sizeof bytes),
       "a line of 64 hex digits is one too");
    err = wm_csrf_secret_file(&secret, file_with(bytes, 31, pool), pool);
    ok(err && err->code == WM_E_INPUT, "31 bytes are none");
    err = wm_csrf_secret_file(&secret, file_with("", 0, pool), pool);
    ok(err && err->code == WM_E_INPUT, "an empty file is none");
    err = wm_csrf_secret_file(&secret, "/nonexistent/secret", pool);
    ok(err && strstr(err->why, "/nonexistent/secret"), "a file that is missing is named");
}

int main(void)
{
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    test_tokens();
    test_files(pool);
    apr_terminate();
    return done();
}
