/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include <apr_strings.h>
#include <sodium.h>

#include "wm_account.h"
#include "wm_utf8.h"

/* RFC 9106 recommends 64 MiB where 2 GiB are too much; two passes keep a check near 80 ms, and
 * hosts let one thread at a time in. */
enum { PASSES = 2, MEMORY = 64 * 1024 * 1024 };

/* Of nobody's password: checked where there is no account, so that an answer takes as long.  Same
 * parameters as above. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$wWYsnYlmo098KbGRofZCuA"
                             "$XGl6s9zu5rZjlEvtvgFPZNp9GRBo5NtK8u3l5BvVHgY";

/* The common passwords of twelve letters and more; shorter ones are refused by their length.
 * Repetitions of a few letters and runs along the keyboard are found by rule. */
static const char *const common[] = {
    "123qweasdzxc",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u8i",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "abcd12345678",
    "admin1234567",
    "admin12345678",
    "administrator",
    "administrator1",
    "basketball12",
    "changeme1234",
    "changeme12345",
    "changemenow1",
    "computer1234",
    "correcthorsebatterystaple",
    "correct horse battery staple",
    "football1234",
    "iloveyou1234",
    "iloveyouforever",
    "letmein12345",
    "letmeinplease",
    "liverpool123",
    "manchesterunited",
    "master123456",
    "michael12345",
    "monkey123456",
    "p@ssw0rd1234",
    "pass12345678",
    "password0123",
    "password1234",
    "password12345",
    "password123456",
    "password1234567",
    "password12345678",
    "password123456789",
    "password2023",
    "password2024",
    "password2025",
    "password2026",
    "princess1234",
    "q1w2e3r4t5y6",
    "q1w2e3r4t5y6u7i8",
    "qazwsxedcrfv",
    "qwer12345678",
    "qwerty123456",
    "qwerty1234567",
    "qwerty12345678",
    "qwerty123456789",
    "researcher12",
    "sunshine1234",
    "superman1234",
    "thequickbrownfox",
    "trustno1trustno1",
    "webmunk12345",
    "webmunkwebmunk",
    "welcome12345",
    "welcome123456",
    "whatever1234",
};

static const char *const runs[] = {
    "01234567890123456789",       "98765432109876543210",       "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm",
};

/* PASSWORD in small letters. */
static char *fold(const char *password, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, password);

    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

/* "aaaaaaaaaaaa", "abcabcabcabc": a unit that comes three times or more, an incomplete one last. */
static int is_repetition(const char *text, size_t size)
{
    for (size_t unit = 1; unit * 3 <= size; unit++)
        if (!memcmp(text, text + unit, size - unit))
            return 1;
    return 0;
}

static int is_common(const char *password)
{
    size_t size = strlen(password);

    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (!strcmp(password, common[i]))
            return 1;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (strstr(runs[i], password))
            return 1;
    return is_repetition(password, size);
}

const wm_err *wm_password_judge(const char *password, const char *name, apr_pool_t *pool)
{
    size_t size = strlen(password);
    char *folded;
    int bad;

    if (size > WM_PASSWORD_MAX)
        return wm_err_make(pool, WM_E_INPUT, "the password is longer than %d bytes",
                           WM_PASSWORD_MAX);
    if (!wm_utf8_valid(password, password + size))
        return wm_err_make(pool, WM_E_INPUT, "the password is not UTF-8");
    if (wm_utf8_count(password, size) < WM_PASSWORD_MIN)
        return wm_err_make(pool, WM_E_INPUT, "the password has fewer than %d characters",
                           WM_PASSWORD_MIN);
    folded = fold(password, pool);
    bad = is_common(folded) || !strcmp(folded, fold(name, pool));
    sodium_memzero(folded, size);
    if (bad)
        return wm_err_make(pool, WM_E_INPUT, "the password is one of those that are guessed first");
    return NULL;
}

const wm_err *wm_password_hash(char out[WM_PASSWORD_HASH_ROOM], const char *password,
                               apr_pool_t *pool)
{
    _Static_assert(WM_PASSWORD_HASH_ROOM >= crypto_pwhash_STRBYTES, "room for libsodium's text");

    if (crypto_pwhash_str(out, password, strlen(password), PASSES, MEMORY))
        return wm_err_make(pool, WM_E_BUSY, "no memory to hash a password");
    return NULL;
}

int wm_password_check(const char *hash, const char *password)
{
    int fits = !crypto_pwhash_str_verify(hash ? hash : nobody, password, strlen(password));

    return fits && hash;
}

int wm_password_stale(const char *hash)
{
    return crypto_pwhash_str_needs_rehash(hash ? hash : nobody, PASSES, MEMORY) != 0;
}
